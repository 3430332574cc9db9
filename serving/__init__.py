"""What people and machines call: the command line, the service, reports and the demo."""
