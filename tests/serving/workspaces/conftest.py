"""Stand-ins of the examples' raw files: few rows, the real columns."""

from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from tests.serving.workspaces.stand_in import StandIn


@pytest.fixture
def journey(tmp_path: Path) -> StandIn:
    example = StandIn("complete_journey", tmp_path)
    example.put_table(
        "transactions.parquet",
        household_id=[900, 900, 900],
        store_id=[330, 330, 330],
        basket_id=[31198570044, 31198570044, 31198570044],
        product_id=[1095275, 5978656, 777],
        quantity=[1, 0, 1],
        sales_value=[0.5, 0.0, 2.25],
        retail_disc=[0.1, 0.0, 0.0],
        coupon_disc=[0.0, 2.0, 0.0],
        coupon_match_disc=[0.0, 0.0, 0.0],
        week=[1, 1, 1],
        transaction_timestamp=[datetime(2017, 1, 2, 4, 59, 58)] * 3,  # noqa: DTZ001 (as published)
    )
    example.put_table("products.parquet", product_id=[1095275], department=["PASTRY"])
    example.put_table("campaigns.parquet", campaign_id=[8], household_id=[900])
    example.put_table(
        "campaign_descriptions.parquet",
        campaign_id=[8],
        campaign_type=["Type A"],
        start_date=[datetime(2017, 5, 8)],  # noqa: DTZ001 (as published)
        end_date=[datetime(2017, 6, 25)],  # noqa: DTZ001 (as published)
    )
    example.put_table(
        "coupon_redemptions.parquet",
        household_id=[900],
        coupon_upc=[51380041013],
        campaign_id=[8],
        redemption_date=[datetime(2017, 5, 10)],  # noqa: DTZ001 (as published)
    )
    example.put_table(
        "demographics.parquet",
        household_id=[900],
        age=["65+"],
        income=["35-49K"],
        home_ownership=["Homeowner"],
        marital_status=["Married"],
        household_size=["2"],
        household_comp=["2 Adults No Kids"],
        kids_count=["0"],
    )
    return example


@pytest.fixture
def cdnow(tmp_path: Path) -> StandIn:
    example = StandIn("cdnow", tmp_path)
    example.put(
        "CDNOW_master.txt",
        " customer_id  date number_of_cds  dollar_value",
        " 00001 19970101  1   11.77",
        " 00002 19970112  1   12.00",
        " 00002 19970112  5   77.00",
    )
    return example


@pytest.fixture
def crm(tmp_path: Path) -> StandIn:
    """Account 0 upgrades, then pays by the year; account 1 leaves; account 2 comes back."""
    example = StandIn("fightchurn_crm5", tmp_path)
    example.put(
        "account.csv.gz",
        "account_id,channel,date_of_birth,country,n_users_expected",
        "0,web,2012-11-10,None,3",
        "1,appstore1,2014-11-14,NY,22",
        "2,web,2016-12-07,CA,7",
    )
    example.put(
        "subscription.csv.gz",
        "account_id,product,start_date,end_date,mrr,quantity,units,bill_period_months,discount",
        "0,starter_mthly,2022-01-10,2022-02-10,90.0,5,users,1,0.1",
        "0,meetings,2022-01-10,2022-02-10,300.0,5000,schedule_meeting,1,0.0",
        "0,basic_mthly,2022-02-10,2022-03-10,200.0,10,users,1,0.0",
        "0,basic_annual,2022-03-10,2023-03-10,180.0,10,users,12,0.0",
        "0,basic_annual,2023-03-10,2024-03-10,180.0,10,users,12,0.0",
        "1,starter_biann,2022-04-30,2022-10-30,95.0,5,users,6,0.0",
        "1,starter_biann,2022-10-31,2023-04-30,95.0,5,users,6,0.0",
        "2,starter_mthly,2023-01-05,2023-02-05,100.0,5,users,1,0.0",
        "2,starter_mthly,2023-06-05,2023-07-05,100.0,5,users,1,0.0",
        "2,starter_mthly,2023-12-01,2024-01-01,100.0,5,users,1,0.0",
        "2,starter_mthly,2024-01-01,2024-02-01,100.0,5,users,1,0.0",
    )
    example.put(
        "plans.csv",
        "plan,mrr,bill_period,users,schedule_meeting,meeting,search",
        "starter_mthly,100,1,5,0,0,0",
        "basic_mthly,200,1,10,0,0,10",
        "starter_biann,95,6,5,0,0,0",
        "basic_annual,180,12,10,0,0,10",
    )
    example.put(
        "addons.csv",
        "plan,mrr,prob,schedule_meeting,meeting,search",
        "meetings,300,0.1,5000,5000,0",
    )
    example.put("event_type.csv", "event_type_id,event_type_name", "0,search", "4,win_opportunity")
    example.put_table(
        "event_daily.parquet",
        account_id=[0, 0, 0],
        date=pa.array([date(2022, 1, 28), date(2022, 1, 28), date(2024, 1, 3)]).cast(
            pa.timestamp("ns")
        ),
        event_type_id=[0, 4, 0],
        n=[9, 2, 5],
        users=[3, 2, 4],
        value=[0.0, 1500.5, 0.0],
    )
    return example


@pytest.fixture
def life(tmp_path: Path) -> StandIn:
    example = StandIn("cas_uslapseagent", tmp_path)
    columns = {
        "issue.date": ["1995-01-02", "2000-01-01", "2005-01-01", "2008-12-28"],
        "duration": [61.62, 4.0, 1.0, 5.78],
        "acc.death.rider": ["NoRider", "Rider", "NoRider", "NoRider"],
        "gender": ["Female", "Male", "Male", "Female"],
        "premium.frequency": ["InfraAnnual", "Annual", "Other", "Annual"],
        "risk.state": ["NonSmoker"] * 4,
        "underwriting.age": ["Young", "Old", "Middle", "Young"],
        "living.place": ["Other"] * 4,
        "annual.premium": [0.0, 1.0, -1.07, 0.0],
        "DJIA": [2.09, 1.36, 1.06, 1.06],
        "termination.cause": ["in-force", "surrender", "death", "surrender"],
        "surrender": [0.0, 1.0, 0.0, 1.0],
        "death": [0.0, 0.0, 1.0, 0.0],
        "other": [0.0, 0.0, 0.0, 0.0],
        "allcause": [0.0, 1.0, 1.0, 1.0],
    }
    example.put_table("uslapseagent.parquet", **columns)
    return example


@pytest.fixture(params=["journey", "cdnow", "crm", "life"])
def example(request: pytest.FixtureRequest) -> StandIn:
    chosen: StandIn = request.getfixturevalue(request.param)
    return chosen
