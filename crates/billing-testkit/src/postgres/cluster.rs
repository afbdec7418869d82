//! [`Cluster`]: a throwaway Postgres server.

use std::env;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Error};
use url::Url;

use super::binaries;
use super::database::TestDatabase;
use super::keeper::{Keeper, PlainUser, read_log};

/// A Postgres server with its data in a temporary folder. Dropping it deletes both.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    keeper: Mutex<Keeper>,
}

impl Cluster {
    /// Starts a separate server, for tests that stop it. All other tests share one.
    #[must_use]
    pub fn start() -> Self {
        let binaries = binaries::folder();
        // A socket's path may have about 100 bytes, which a test's temporary folder may exceed.
        let folder =
            tempfile::Builder::new().prefix("billing-pg-").tempdir_in("/tmp").unwrap().keep();
        let user = PlainUser::needed();
        if let Some(user) = user {
            user.own(&folder);
        }
        let keeper = Mutex::new(Keeper::start(&binaries, &folder, user));
        Self { folder, keeper }
    }

    /// Returns the server that all tests of this process share.
    pub(super) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Creates a database in this server.
    pub async fn database(&self) -> TestDatabase {
        self.ready().await;
        TestDatabase::create_in(self.url()).await
    }

    /// Stops the server as a crash would: all connections break, and new ones are refused.
    pub fn stop(&self) {
        self.keeper.lock().unwrap().stop_server();
    }

    /// Restarts the stopped server and waits until it accepts connections.
    pub async fn resume(&self) {
        self.keeper.lock().unwrap().start_server();
        self.ready().await;
    }

    fn url(&self) -> Url {
        let socket = self.folder.to_string_lossy().replace('/', "%2F");
        Url::parse(&format!("postgres://postgres@{socket}/postgres")).unwrap()
    }

    /// Waits until the server accepts connections.
    async fn ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut last = None::<Error>;
        while Instant::now() < deadline {
            match PgConnection::connect(self.url().as_str()).await {
                Ok(connection) => return connection.close().await.unwrap(),
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("Postgres did not start: {last:?}\n{}", read_log(&self.folder));
    }
}

impl TestDatabase {
    /// Creates a database in the server of `TEST_POSTGRES_URL`, or else in this process's cluster.
    pub async fn create() -> Self {
        match env::var("TEST_POSTGRES_URL") {
            Ok(url) => {
                Self::create_in(Url::parse(&url).expect("TEST_POSTGRES_URL is a postgres:// URL"))
                    .await
            }
            Err(_) => Cluster::shared().database().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};

    use super::*;

    fn serves(folder: &std::path::Path) -> bool {
        UnixStream::connect(folder.join(".s.PGSQL.5432")).is_ok()
    }

    #[tokio::test]
    async fn a_resumed_cluster_keeps_its_data() {
        let cluster = Cluster::start();
        let database = cluster.database().await;
        sqlx::raw_sql("CREATE TABLE t (x int)")
            .execute(&mut database.connect().await)
            .await
            .unwrap();
        cluster.stop();
        assert!(!serves(&cluster.folder));
        cluster.resume().await;
        sqlx::raw_sql("SELECT x FROM t").execute(&mut database.connect().await).await.unwrap();
    }

    #[test]
    fn a_dropped_cluster_removes_processes_and_files() {
        let cluster = Cluster::start();
        let folder = cluster.folder.clone();
        assert!(folder.exists());
        drop(cluster);
        assert!(!serves(&folder));
        assert!(!folder.exists());
    }

    /// Starts a cluster in a second process of this test binary, and kills that process.
    #[tokio::test]
    async fn a_killed_test_process_leaves_no_processes_or_files() {
        const CHILD: &str = "BILLING_TESTKIT_CHILD";
        if std::env::var_os(CHILD).is_some() {
            let cluster = Cluster::start();
            cluster.ready().await;
            println!("\nfolder={}", cluster.folder.display());
            std::future::pending::<()>().await;
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "postgres::cluster::tests::a_killed_test_process_leaves_no_processes_or_files",
                "--nocapture",
            ])
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let folder =
            lines.find_map(|line| line.strip_prefix("folder=").map(PathBuf::from)).unwrap();
        assert!(serves(&folder));
        child.kill().unwrap();
        child.wait().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while folder.exists() || serves(&folder) {
            assert!(Instant::now() < deadline, "{} still exists", folder.display());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
