//! What is done with files alone.

use super::*;

mod copies;
mod full_disk;
mod harm;
mod size;
