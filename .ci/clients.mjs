// Node's clients of the Data API against one endpoint: each runs a user's session and checks what it gets.
//
//   ENDPOINT=http://127.0.0.1:4566 node clients.mjs CLIENT
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.MODULES}/package.json`);
const { ENDPOINT: endpoint, RESOURCE: resourceArn, SECRET: secretArn, DATABASE: database } = process.env;
const region = "us-east-1";
const sdk = require("@aws-sdk/client-rds-data");
const options = { region, endpoint, credentials: { accessKeyId: "any", secretAccessKey: "any" } };
const target = { resourceArn, secretArn, database };
const table = process.argv[2].replaceAll("-", "_");

const create = `CREATE TABLE ${table} (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) NOT NULL UNIQUE,
  price DECIMAL(10, 2) NOT NULL DEFAULT 0, born DATE, seen DATETIME(3), active BOOLEAN NOT NULL DEFAULT TRUE)`;

async function sdkSession() {
  const client = new sdk.RDSDataClient(options);
  const run = (sql, parameters = [], more = {}) =>
    client.send(new sdk.ExecuteStatementCommand({ ...target, sql, parameters, includeResultMetadata: true, ...more }));
  const name = (value) => ({ name: "name", value: { stringValue: value } });
  await run(create);
  const insert = `INSERT INTO ${table} (name, price, born) VALUES (:name, :price, :born)`;
  const inserted = await run(insert, [
    name("Ann"),
    { name: "price", value: { stringValue: "1.50" }, typeHint: "DECIMAL" },
    { name: "born", value: { stringValue: "2024-02-29" }, typeHint: "DATE" },
  ]);
  assert.deepEqual(inserted.generatedFields, [{ longValue: 1 }]);
  const read = await run(`SELECT * FROM ${table} WHERE name = :name`, [name("ANN")]);
  assert.deepEqual(read.records[0].slice(0, 4), [
    { longValue: 1 }, { stringValue: "Ann" }, { stringValue: "1.50" }, { stringValue: "2024-02-29" },
  ]);
  assert.equal(read.columnMetadata[2].typeName, "DECIMAL");
  const sets = ["Bob", "Cid"].map((value) => [name(value)]);
  const batch = await client.send(new sdk.BatchExecuteStatementCommand({
    ...target, sql: `INSERT INTO ${table} (name) VALUES (:name)`, parameterSets: sets,
  }));
  assert.equal(batch.updateResults.length, 2);
  const upsert = `INSERT INTO ${table} (name) VALUES (:name) ON DUPLICATE KEY UPDATE price = price + 1`;
  assert.equal((await run(upsert, [name("Ann")])).numberOfRecordsUpdated, 2);
  const begin = await client.send(new sdk.BeginTransactionCommand(target));
  await run(`DELETE FROM ${table}`, [], { transactionId: begin.transactionId });
  await client.send(new sdk.RollbackTransactionCommand({ resourceArn, secretArn, transactionId: begin.transactionId }));
  const json = await run(`SELECT name, price FROM ${table} ORDER BY id LIMIT 1`, [], { formatRecordsAs: "JSON" });
  assert.equal(JSON.parse(json.formattedRecords)[0].name, "Ann");
}

async function dataApiClient() {
  const client = require("data-api-client")({ ...target, region, options: { endpoint, accessKeyId: "any", secretAccessKey: "any" } });
  await client.query(create);
  const inserted = await client.query(`INSERT INTO ${table} (name, price) VALUES (:name, :price)`, { name: "Ann", price: 1.5 });
  assert.equal(inserted.insertId, 1);
  await client.query(`INSERT INTO ${table} (name) VALUES (:name)`, [[{ name: "Bob" }], [{ name: "Cid" }]]);
  const read = await client.query(`SELECT id, name, active FROM ${table} WHERE name = :name`, { name: "ann" });
  assert.deepEqual(read.records, [{ id: 1, name: "Ann", active: true }]);
  const upsert = `INSERT INTO ${table} (name) VALUES (:name) ON DUPLICATE KEY UPDATE price = 9`;
  assert.equal((await client.query(upsert, { name: "Ann" })).numberOfRecordsUpdated, 2);
  await client.transaction().query(`UPDATE ${table} SET price = 3 WHERE id = 1`).query(`DELETE FROM ${table} WHERE id = 2`).commit();
  assert.equal((await client.query(`SELECT COUNT(*) AS n FROM ${table}`)).records[0].n, 2);
  const rolledBack = client.transaction().query(`DELETE FROM ${table}`).query("SELECT nothing FROM nowhere");
  await assert.rejects(rolledBack.commit());
  assert.equal((await client.query(`SELECT COUNT(*) AS n FROM ${table}`)).records[0].n, 2);
}

async function typeorm() {
  require("reflect-metadata");
  const { DataSource, EntitySchema } = require("typeorm");
  const Thing = new EntitySchema({
    name: "Thing",
    tableName: table,
    columns: {
      id: { type: "int", primary: true, generated: true },
      name: { type: "varchar", length: 50, unique: true },
      price: { type: "decimal", precision: 10, scale: 2, default: 0 },
      made: { type: "datetime", precision: 6, createDate: true },
    },
  });
  const source = new DataSource({
    type: "aurora-mysql", driver: require("typeorm-aurora-data-api-driver"), region, ...target,
    serviceConfigOptions: options, formatOptions: { castParameters: true }, entities: [Thing], synchronize: true,
  });
  await source.initialize();
  const things = source.getRepository("Thing");
  const ann = await things.save({ name: "Ann", price: "1.50" });
  assert.equal(ann.id, 1);
  await things.insert([{ name: "Bob" }, { name: "Cid" }]);
  assert.equal((await things.findOneBy({ name: "ann" })).id, 1);
  await things.upsert({ name: "Ann", price: "9" }, ["name"]);
  assert.equal(Number((await things.findOneBy({ name: "Ann" })).price), 9);
  await assert.rejects(source.transaction(async (manager) => {
    await manager.delete("Thing", { name: "Bob" });
    throw new Error("no");
  }));
  assert.equal(await things.count(), 3);
  await source.synchronize();
  await source.destroy();
}

async function kysely() {
  const { Kysely, sql } = require("kysely");
  const { DataApiDialect } = require("kysely-data-api");
  const db = new Kysely({ dialect: new DataApiDialect({ mode: "mysql", driver: { client: new sdk.RDSData(options), ...target } }) });
  await db.schema.createTable(table)
    .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
    .addColumn("name", "varchar(50)", (column) => column.notNull().unique())
    .addColumn("price", "decimal(10, 2)", (column) => column.defaultTo(0).notNull())
    .execute();
  const inserted = await db.insertInto(table).values({ name: "Ann", price: "1.50" }).executeTakeFirst();
  assert.equal(Number(inserted.insertId), 1);
  await db.insertInto(table).values([{ name: "Bob" }, { name: "Cid" }]).execute();
  assert.equal((await db.selectFrom(table).select("id").where("name", "=", "ann").executeTakeFirst()).id, 1);
  await db.insertInto(table).values({ name: "Ann" }).onDuplicateKeyUpdate({ price: sql`price + 1` }).execute();
  await assert.rejects(db.transaction().execute(async (transaction) => {
    await transaction.deleteFrom(table).execute();
    throw new Error("no");
  }));
  const { n } = await db.selectFrom(table).select((of) => of.fn.countAll().as("n")).executeTakeFirst();
  assert.equal(Number(n), 3);
}

async function knex() {
  const client = require("knex-aurora-data-api-client").mysql;
  const db = require("knex")({ client, connection: { ...target, region, options: { endpoint, accessKeyId: "any", secretAccessKey: "any" } } });
  await db.schema.createTable(table, (made) => {
    made.increments("id");
    made.string("name", 50).notNullable().unique();
    made.decimal("price", 10, 2).defaultTo(0);
  });
  assert.equal(await db.schema.hasTable(table), true);
  assert.deepEqual(await db(table).insert({ name: "Ann", price: 1.5 }), [1]);
  await db(table).insert([{ name: "Bob" }, { name: "Cid" }]);
  assert.equal((await db(table).where({ name: "ann" }).first()).id, 1);
  await db(table).insert({ name: "Ann", price: 9 }).onConflict("name").merge();
  await assert.rejects(db.transaction(async (transaction) => {
    await transaction(table).delete();
    throw new Error("no");
  }));
  assert.equal((await db(table).count({ n: "*" }))[0].n, 3);
  await db.destroy();
}

async function drizzle() {
  const { drizzle: connect } = require("drizzle-orm/mysql-proxy");
  const { mysqlTable, int, varchar, decimal } = require("drizzle-orm/mysql-core");
  const { eq, sql } = require("drizzle-orm");
  const client = require("data-api-client")({ ...target, region, options: { endpoint, accessKeyId: "any", secretAccessKey: "any" } });
  const db = connect(async (text, values, method) => {
    let index = 0;
    const named = text.replaceAll("?", () => `:p${index++}`);
    const parameters = Object.fromEntries(values.map((value, place) => [`p${place}`, value]));
    const result = await client.query(named, parameters);
    return method === "all" ? { rows: result.records.map(Object.values) } : { rows: [{ insertId: result.insertId, affectedRows: result.numberOfRecordsUpdated }] };
  });
  const things = mysqlTable(table, {
    id: int("id").primaryKey().autoincrement(),
    name: varchar("name", { length: 50 }).notNull().unique(),
    price: decimal("price", { precision: 10, scale: 2 }).notNull().default("0"),
  });
  await db.execute(sql.raw(create));
  const [inserted] = await db.insert(things).values({ name: "Ann", price: "1.50" });
  assert.equal(inserted.insertId, 1);
  await db.insert(things).values([{ name: "Bob" }, { name: "Cid" }]);
  const [ann] = await db.select({ id: things.id, price: things.price }).from(things).where(eq(things.name, "ANN"));
  assert.deepEqual(ann, { id: 1, price: "1.50" });
  await db.insert(things).values({ name: "Ann" }).onDuplicateKeyUpdate({ set: { price: "9" } });
  await db.update(things).set({ price: sql`${things.price} + 1` }).where(eq(things.id, 1));
  const [{ n }] = await db.select({ n: sql`count(*)` }).from(things);
  assert.equal(n, 3);
}

const sessions = { "sdk-js": sdkSession, "data-api-client": dataApiClient, typeorm, kysely, knex, drizzle };
await sessions[process.argv[2]]();
