// Package store opens the database and runs acts on it.
//
// An act is one transaction that holds a change, its audit event and its
// notices (Act). What only counts, a try or a proof seen, is committed on its
// own without waiting for the disk (Count): on PostgreSQL with
// synchronous_commit off, on SQLite with synchronous NORMAL. Such a commit
// stands before every later durable one in the same log, so no outcome survives
// a crash that its count does not survive too.
//
// Two databases, one code. Statements use ? for values and run on both; the few
// that differ ask Dialect. SQLite has one writer: acts queue for it in the
// process, so that none fails with "database is locked".
//
// A statement of the sign-in finds its row by the key, and puts what is then
// asked of it into (…) IS TRUE, which no index answers: PostgreSQL plans it while
// tables are small, when reading everything that is pending looks as cheap, and
// keeps that plan.
//
// What a signed-in person does runs behind the wall of their tenant (Within): on
// PostgreSQL row-level security shows it that tenant's rows alone, should a
// statement forget to ask for them. The wall is set for one transaction, in the
// round trip of its first statement. It is the second one; the first is the
// tenant that every statement names.
//
// Time comes from the database. The process follows the database's clock by
// measuring the distance now and then, which costs no query per act; replicas
// with wrong clocks agree all the same.
package store
