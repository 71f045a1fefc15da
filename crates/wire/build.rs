//! Compiles the API's protobuf without `protoc`: messages, services, and the descriptor set for reflection.

use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let proto = Path::new("../../proto");
    println!("cargo::rerun-if-changed=build.rs");

    let mut compiler = protox::Compiler::new([proto])?;
    compiler.include_imports(true).include_source_info(true);
    for file in ["hallpass/v1/hallpass.proto", "hallpass/v1/history.proto", "hallpass/v1/stops.proto"] {
        println!("cargo::rerun-if-changed={}", proto.join(file).display());
        compiler.open_file(proto.join(file))?;
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("hallpass.v1.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        // The transport is ours: `dial` and `server` bring their own TLS.
        .build_transport(false)
        // A token must not be printed by accident.
        .skip_debug(["hallpass.v1.LoginResponse"])
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
