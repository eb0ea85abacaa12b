"""The Data API's Python clients against one endpoint: each runs a user's session and checks the results.

ENDPOINT=http://127.0.0.1:4566 clients.py CLIENT
"""

import os
import sys
from datetime import date
from decimal import Decimal

ENDPOINT, RESOURCE, SECRET, DATABASE = (os.environ[name] for name in ("ENDPOINT", "RESOURCE", "SECRET", "DATABASE"))
TABLE = sys.argv[1].replace("-", "_")
CREATE = f"""CREATE TABLE {TABLE} (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) NOT NULL UNIQUE,
    price DECIMAL(10, 2) NOT NULL DEFAULT 0, born DATE, active BOOLEAN NOT NULL DEFAULT TRUE)"""


def client():
    import boto3

    return boto3.client("rds-data", endpoint_url=ENDPOINT, region_name="us-east-1")


def is_(expected, got):
    assert expected == got, f"expected {expected!r}, got {got!r}"


def raises(call):
    try:
        call()
    except Exception:
        return
    raise AssertionError("nothing was raised")


def boto3():
    data = client()
    target = {"resourceArn": RESOURCE, "secretArn": SECRET, "database": DATABASE}

    def run(sql, *parameters, **more):
        return data.execute_statement(**target, sql=sql, parameters=list(parameters), **more)

    def name(value):
        return {"name": "name", "value": {"stringValue": value}}

    run(CREATE)
    price = {"name": "price", "value": {"stringValue": "1.50"}, "typeHint": "DECIMAL"}
    born = {"name": "born", "value": {"stringValue": "2024-02-29"}, "typeHint": "DATE"}
    insert = f"INSERT INTO {TABLE} (name, price, born) VALUES (:name, :price, :born)"
    is_([{"longValue": 1}], run(insert, name("Ann"), price, born)["generatedFields"])
    row = run(f"SELECT id, price, born, active FROM {TABLE} WHERE name = :name", name("ANN"))["records"][0]
    is_([{"longValue": 1}, {"stringValue": "1.50"}, {"stringValue": "2024-02-29"}, {"booleanValue": True}], row)
    sets = [[name("Bob")], [name("Cid")]]
    batch = data.batch_execute_statement(**target, sql=f"INSERT INTO {TABLE} (name) VALUES (:name)", parameterSets=sets)
    is_(2, len(batch["updateResults"]))
    upsert = f"INSERT INTO {TABLE} (name) VALUES (:name) ON DUPLICATE KEY UPDATE price = price + 1"
    is_(2, run(upsert, name("Ann"))["numberOfRecordsUpdated"])
    transaction = data.begin_transaction(**target)["transactionId"]
    run(f"DELETE FROM {TABLE}", transactionId=transaction)
    data.rollback_transaction(resourceArn=RESOURCE, secretArn=SECRET, transactionId=transaction)
    is_([[{"longValue": 3}]], run(f"SELECT COUNT(*) FROM {TABLE}")["records"])
    columns = "SELECT COLUMN_NAME FROM information_schema.columns WHERE TABLE_NAME = :name ORDER BY ORDINAL_POSITION"
    is_("id", run(columns, name(TABLE))["records"][0][0]["stringValue"])


def aurora_data_api():
    import aurora_data_api as driver

    with driver.connect(RESOURCE, SECRET, database=DATABASE, rds_data_client=client()) as connection:
        with connection.cursor() as cursor:
            cursor.execute(CREATE)
            insert = f"INSERT INTO {TABLE} (name, price, born) VALUES (:name, :price, :born)"
            cursor.execute(insert, {"name": "Ann", "price": Decimal("1.50"), "born": date(2024, 2, 29)})
            is_(1, cursor.lastrowid)
            cursor.executemany(f"INSERT INTO {TABLE} (name) VALUES (:name)", [{"name": "Bob"}, {"name": "Cid"}])
            cursor.execute(f"SELECT id, price, born, active FROM {TABLE} WHERE name = :name", {"name": "ann"})
            is_([(1, Decimal("1.50"), date(2024, 2, 29), True)], cursor.fetchall())
            cursor.execute(f"INSERT INTO {TABLE} (name) VALUES ('Ann') ON DUPLICATE KEY UPDATE price = 9")
        connection.commit()
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {TABLE}")
        connection.rollback()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {TABLE}")
            is_([(3,)], cursor.fetchall())


def sqlalchemy_aurora_data_api():
    import sqlalchemy as sa
    from sqlalchemy.dialects.mysql import insert
    from sqlalchemy.orm import declarative_base, Session

    base = declarative_base()

    class Thing(base):
        __tablename__ = TABLE
        id = sa.Column(sa.Integer, primary_key=True, autoincrement=True)
        name = sa.Column(sa.String(50), nullable=False, unique=True)
        price = sa.Column(sa.Numeric(10, 2), nullable=False, server_default="0")
        born = sa.Column(sa.Date)

    arguments = {"aurora_cluster_arn": RESOURCE, "secret_arn": SECRET, "rds_data_client": client()}
    engine = sa.create_engine(f"mysql+auroradataapi://:@/{DATABASE}", connect_args=arguments)
    base.metadata.create_all(engine)
    with Session(engine) as session:
        ann = Thing(name="Ann", price=Decimal("1.50"), born=date(2024, 2, 29))
        session.add(ann)
        session.commit()
        is_(1, ann.id)
        session.add_all([Thing(name="Bob"), Thing(name="Cid")])
        session.commit()
        found = session.query(Thing).filter(Thing.name == "ANN").one()
        is_((1, Decimal("1.50"), date(2024, 2, 29)), (found.id, found.price, found.born))
        session.execute(insert(Thing).values(name="Ann").on_duplicate_key_update(price=9))
        session.commit()
        session.query(Thing).filter(Thing.name == "Bob").delete()
        session.rollback()
        is_(3, session.query(Thing).count())
    inspector = sa.inspect(engine)
    is_(["id", "name", "price", "born"], [column["name"] for column in inspector.get_columns(TABLE)])
    is_(["id"], inspector.get_pk_constraint(TABLE)["constrained_columns"])


def pydataapi():
    from pydataapi import DataAPI

    def connect():
        return DataAPI(resource_arn=RESOURCE, secret_arn=SECRET, database=DATABASE, client=client())

    with connect() as data:
        data.execute(CREATE)
    with connect() as data:
        crud(data)

    def fails():
        with connect() as data:
            data.execute(f"DELETE FROM {TABLE}")
            raise KeyError

    raises(fails)
    with connect() as data:
        is_(3, data.execute(f"SELECT COUNT(*) FROM {TABLE}").scalar())


def crud(data):
    inserted = data.execute(f"INSERT INTO {TABLE} (name, price) VALUES (:name, :price)", {"name": "Ann", "price": 1.5})
    is_([1], inserted.generated_fields)
    data.batch_execute(f"INSERT INTO {TABLE} (name) VALUES (:name)", [{"name": "Bob"}, {"name": "Cid"}])
    is_([[1, "Ann"]], list(data.execute(f"SELECT id, name FROM {TABLE} WHERE name = :name", {"name": "ann"})))
    is_(2, data.execute(f"INSERT INTO {TABLE} (name) VALUES ('Ann') ON DUPLICATE KEY UPDATE price = 9").number_of_records_updated)


def awswrangler():
    import awswrangler as wr
    import pandas as pd

    wr.config.rds_data_endpoint_url = ENDPOINT
    connection = wr.data_api.rds.connect(RESOURCE, DATABASE, secret_arn=SECRET)
    wr.data_api.rds.read_sql_query(CREATE, connection)
    frame = pd.DataFrame({"name": ["Ann", "Bob"], "price": [1.5, 2.5]})
    wr.data_api.rds.to_sql(frame, connection, TABLE, DATABASE, mode="append", use_column_names=True)
    read = wr.data_api.rds.read_sql_query(f"SELECT id, name FROM {TABLE} ORDER BY id", connection)
    is_([[1, "Ann"], [2, "Bob"]], read.values.tolist())


globals()[TABLE]()
