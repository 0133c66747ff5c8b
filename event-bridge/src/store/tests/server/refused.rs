//! What a server or a database of it is not good for.

use super::*;

#[track_caller]
fn check_refused(database: &Database, expected: &str) {
    let told = match Store::open(database, NOW) {
        Ok(_) => panic!("{database} was opened"),
        Err(error) => error.to_string(),
    };
    let shown = told.replace(&database.to_string(), "DB");
    assert!(shown.contains(expected), "{shown}");
    assert!(!told.contains("s3cret"), "{told}");
}

#[test]
fn a_wrong_user_password_or_database_is_said_without_the_password() {
    for engine in ENGINES {
        let good = engine.database();
        tell(
            &good,
            match engine {
                Engine::Postgres => "CREATE ROLE guest LOGIN PASSWORD 'right'",
                Engine::MariaDb => "CREATE USER guest IDENTIFIED BY 'right'",
            },
        );
        let name = good.to_string().rsplit('/').next().unwrap().to_owned();
        let word = ["password authentication failed", "Access denied"][engine as usize];
        check_refused(&engine.address_of("guest:s3cret", &name), word);
        check_refused(&engine.address_of("nobody_s:s3cret", &name), "correct user, password");
        check_refused(&engine.address("not_there"), "not_there");
    }
}

#[test]
fn what_is_newer_or_of_another_program_is_left_as_it_is() {
    for engine in ENGINES {
        let (newer, taken) = (engine.database(), engine.database());
        drop(Store::open(&newer, NOW).unwrap());
        tell(&newer, "UPDATE netmonitor_schema SET version = 7");
        check_refused(&newer, "database DB has schema 7, this program knows 2; upgrade");
        tell(&taken, "CREATE TABLE routers (serial INTEGER)");
        check_refused(&taken, "database DB: has tables of another program");
        let sql = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'samples'
                   AND table_schema IN ('public', ?1)";
        let name = taken.to_string().rsplit('/').next().unwrap().to_owned();
        let made: i64 = with(&taken, |connection| {
            connection.query_one(sql, sql::params![&name], |row| row.get(0))
        });
        assert_eq!(made, 0);
    }
}

#[test]
fn files_alone_are_backed_up_and_restored_here() {
    let database = Engine::Postgres.database();
    let told = restore(&database, Path::new("backup.db")).unwrap_err().to_string();
    assert!(told.starts_with("restore: database postgres://"), "{told}");
    assert!(told.contains("the server's own tools"), "{told}");
}

#[tokio::test]
async fn what_a_server_has_is_counted() {
    for engine in ENGINES {
        let place = Place::on(engine);
        let told = check(&place.database).unwrap_err().to_string();
        assert!(told.contains("has no tables of netmonitor-bridge"), "{told}");
        let store = place.open();
        put(&store, 1).await.unwrap();
        let report = check(&place.database).unwrap();
        let rows = |name: &str| report.tables.iter().find(|table| table.name == name).unwrap().rows;
        assert_eq!((rows("events"), rows("routers"), rows("samples")), (1, 2, 0));
        assert!(report.is_good() && report.bytes > 0 && report.file.is_none(), "{report}");
        let told = store.backup(&place.file("copy.db")).await.unwrap_err();
        assert!(matches!(told, StoreError::OnlyFiles { .. }), "{told}");
    }
}

#[tokio::test]
async fn tables_that_were_half_made_are_made_whole() {
    let place = Place::on(Engine::MariaDb);
    tell(
        &place.database,
        "CREATE TABLE netmonitor_schema (version BIGINT NOT NULL);
         CREATE TABLE facts (name VARCHAR(64) PRIMARY KEY, value BIGINT NOT NULL);
         CREATE TABLE routers (id BIGINT AUTO_INCREMENT PRIMARY KEY,
                               name VARCHAR(255) NOT NULL UNIQUE)",
    );
    assert_eq!(put(&place.open(), 1).await.unwrap(), 1);
}
