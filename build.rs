//! Tells cargo that the binary holds the files of `migrations/`: sqlx embeds them, and without this
//! line a changed migration would not be compiled in.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
