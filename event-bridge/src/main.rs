//! The program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    netmonitor_bridge::cli::main()
}
