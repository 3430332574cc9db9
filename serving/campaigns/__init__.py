"""Campaigns: whom to contact, when and at what cost; a control group; every decision kept."""
