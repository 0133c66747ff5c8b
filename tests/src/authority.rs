//! Who signs the certificates of a test, by openssl.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// Its files are gone with it.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
}

/// What a server shows, as PEM files.
#[derive(Debug)]
pub struct Signed {
    /// To be seen by nobody.
    pub key: PathBuf,
    /// To be seen by all.
    pub certificate: PathBuf,
}

const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

impl Authority {
    /// One that nobody else trusts.
    ///
    /// # Errors
    /// When openssl is missing, or cannot make it.
    pub fn new() -> Result<Self> {
        let authority = Self { folder: tempfile::tempdir()? };
        let make = ["req", "-x509", "-subj", "/CN=a test's own"];
        let files = [("-keyout", "key.pem"), ("-out", "certificate.pem")];
        authority.openssl(&[&make[..], &KEY].concat(), &files)?;
        Ok(authority)
    }

    /// What is to be trusted.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.file("certificate.pem")
    }

    /// For a server at an address.
    ///
    /// # Errors
    /// When openssl cannot make it.
    pub fn sign(&self, server: IpAddr) -> Result<Signed> {
        let (key, public) = (format!("{server}.key"), format!("{server}.pem"));
        let name = format!("subjectAltName=IP:{server}");
        let ask = ["req", "-subj", "/CN=server", "-addext", &name];
        self.openssl(&[&ask[..], &KEY].concat(), &[("-keyout", &key), ("-out", "request.pem")])?;
        let sign = ["x509", "-req", "-copy_extensions", "copy", "-CAcreateserial"];
        let files = [
            ("-in", "request.pem"),
            ("-CA", "certificate.pem"),
            ("-CAkey", "key.pem"),
            ("-out", &public),
        ];
        self.openssl(&sign, &files)?;
        Ok(Signed { key: self.file(&key), certificate: self.file(&public) })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "a program of its own")]
    fn openssl(&self, words: &[&str], files: &[(&str, &str)]) -> Result<()> {
        let mut command = Command::new("openssl");
        command.args(words);
        for (option, name) in files {
            command.arg(option).arg(self.file(name));
        }
        let output = command.output().context("cannot run openssl")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}
