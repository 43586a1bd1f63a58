//! PostgreSQL: a real server ends the connection at a statement.

use super::{Tables, fill, release, rows, statements};
use crate::bench::Postgres;
use central::schema::SCHEMA;
use node::postgres::{Connection, migrate, pending};
use node::sqlite::Schema;
use node::store::Sql;
use node::values;

/// The server counts the definitions that are made and the steps that are noted, and at a chosen one it ends the connection on which
/// that is done. A sequence counts on whatever is rolled back.
const CUTTER: &str = "
    CREATE SCHEMA cut;
    CREATE SEQUENCE cut.done;
    CREATE TABLE cut.chosen (n BIGINT);
    INSERT INTO cut.chosen VALUES (NULL);
    CREATE FUNCTION cut.count() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('cut.done') = (SELECT n FROM cut.chosen) THEN
            PERFORM pg_terminate_backend(pg_backend_pid());
            PERFORM pg_sleep(60);
        END IF;
    END $$;
    CREATE FUNCTION cut.noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM cut.count();
        RETURN NULL;
    END $$;
    CREATE FUNCTION cut.defined() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM cut.count();
        IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'noted') THEN
            CREATE TRIGGER noted BEFORE INSERT ON public.migration EXECUTE FUNCTION cut.noted();
        END IF;
    END $$;
    CREATE EVENT TRIGGER defined ON ddl_command_end
        WHEN TAG IN ('CREATE TABLE', 'CREATE INDEX', 'ALTER TABLE', 'DROP TABLE', 'DROP INDEX')
        EXECUTE FUNCTION cut.defined();";

/// Somebody who looks on.
struct Watcher {
    url: String,
    connection: Connection,
}

impl Watcher {
    fn new(server: &Postgres) -> Self {
        let url = server.url();
        let connection = Connection::open(&url).expect("connect");
        connection.run(CUTTER).expect("the cutter");
        // The connection is lost here, not the power.
        connection.run("ALTER SYSTEM SET fsync = off").expect("set");
        connection.run("SELECT pg_reload_conf()").expect("read again");
        Self { url, connection }
    }

    fn connect(&self) -> Connection {
        Connection::open(&self.url).expect("connect")
    }

    fn empty(&self) {
        self.choose(None);
        self.connection.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public").expect("emptied");
    }

    /// Ends the connection of whoever does this, counted from now on.
    fn choose(&self, n: Option<i64>) {
        self.connection.execute("UPDATE cut.chosen SET n = ?1", values![n.unwrap_or(-1)]).expect("chosen");
        self.connection.run("SELECT setval('cut.done', 1, false)").expect("counted from one");
    }

    fn tables(&self) -> Tables {
        let select = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT)
                      FROM information_schema.columns WHERE table_schema = 'public'
                      AND table_name NOT IN ('migration', 'writer_head') ORDER BY table_name, ordinal_position";
        let mut tables = Tables::new();
        let sql: &dyn Sql = &self.connection;
        let columns = sql.all(select, &[], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
        for (table, column) in columns.expect("columns") {
            tables.entry(table).or_default().push(column);
        }
        tables
    }

    /// Everything but the rows, and the list of steps.
    fn shape(&self) -> Vec<String> {
        let select = "
            SELECT concat('column ', table_name, '.', column_name, ' ', data_type, ' ', is_nullable, ' ', column_default)
                FROM information_schema.columns WHERE table_schema = 'public'
            UNION ALL SELECT concat('index ', indexdef) FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT concat('rule of ', CAST(conrelid AS regclass), ' ', conname, ' ', pg_get_constraintdef(oid))
                FROM pg_constraint WHERE connamespace = CAST('public' AS regnamespace)
            UNION ALL SELECT concat('step ', name) FROM migration
            ORDER BY 1";
        let sql: &dyn Sql = &self.connection;
        sql.all(select, &[], |row| row.get(0)).expect("the shape")
    }

    fn rows(&self, tables: &Tables) -> Vec<String> {
        rows(&self.connection, tables).expect("rows")
    }
}

fn server() -> (tempfile::TempDir, Postgres) {
    let directory = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let server = runtime.block_on(Postgres::start(directory.path())).expect("a server");
    (directory, server)
}

/// Grows from the release with so many steps, or from nothing, by one step more, and is cut off at each thing that is
/// done for it in turn. Returns at how many.
fn cut_at_each(watcher: &Watcher, from: Option<usize>, new: &[String]) -> usize {
    let to = release(&SCHEMA, from.map_or(0, |steps| steps + 1));
    for n in 1.. {
        watcher.empty();
        if let Some(steps) = from {
            migrate(&watcher.connect(), &release(&SCHEMA, steps)).expect("an earlier release opens its own");
        }
        let tables = watcher.tables();
        let filling = watcher.connect();
        // The made-up rows refer to each other as well as they can.
        filling.run("SET session_replication_role = replica").expect("no references");
        fill(&filling, &tables).expect("rows");
        let before = watcher.rows(&tables);
        watcher.choose(Some(n));
        let cut = migrate(&watcher.connect(), &to).is_err();
        watcher.choose(None);
        let what = format!("from {from:?}, cut at {n}");
        if cut {
            assert_eq!(watcher.rows(&tables), before, "{what}");
        }
        for _ in 0..2 {
            migrate(&watcher.connect(), &SCHEMA).unwrap_or_else(|error| panic!("{what}: {error:#}"));
            assert_eq!(watcher.shape(), new, "{what}");
            assert_eq!(watcher.rows(&tables), before, "{what}");
            assert_eq!(pending(&watcher.connection, &SCHEMA).expect("looks"), Vec::<&str>::new(), "{what}");
        }
        if !cut {
            return usize::try_from(n - 1).expect("few");
        }
    }
    unreachable!()
}

#[test]
fn a_step_whose_connection_ends_at_any_statement_is_done_again_and_loses_nothing() {
    let (_directory, server) = server();
    let watcher = Watcher::new(&server);
    migrate(&watcher.connect(), &SCHEMA).expect("a new one");
    let new = watcher.shape();
    // Four steps of the engine and of every program, and the list of steps with its owner.
    assert!(cut_at_each(&watcher, None, &new) >= 2 * 4 + 2);
    for (steps, step) in SCHEMA.migrations.iter().enumerate() {
        // What moves rows from one table to another is between two definitions.
        let moves = |statement: &&String| statement.starts_with("INSERT") || statement.starts_with("UPDATE");
        let definitions = statements(step).iter().filter(|statement| !moves(statement)).count();
        // The list with its owner is there already, and asked for each time; the step is noted last.
        assert_eq!(cut_at_each(&watcher, Some(steps), &new), 2 + definitions + 1, "{}", step.name);
    }
}

#[test]
fn an_older_release_refuses_what_a_newer_one_has_grown_and_leaves_it_alone() {
    let (_directory, server) = server();
    let watcher = Watcher::new(&server);
    for steps in 1..=SCHEMA.migrations.len() {
        migrate(&watcher.connection, &release(&SCHEMA, steps)).expect("grows");
        let (shape, older): (_, Schema) = (watcher.shape(), release(&SCHEMA, steps - 1));
        let refusals = [migrate(&watcher.connection, &older).err(), pending(&watcher.connection, &older).err()];
        for error in refusals.map(|refusal| refusal.expect("it is refused")) {
            let words = format!("{error:#}");
            assert!(words.contains("newer release") && words.contains(SCHEMA.program), "{words}");
        }
        assert_eq!(watcher.shape(), shape);
    }
}
