//! Every RPC there is.

use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::FILE_DESCRIPTOR_SET;

/// The paths of every RPC of the API, such as `/hallpass.v1.Requests/Fetch`, in the order of the `.proto` file: so that
/// a table of RPCs can be proven to be whole.
pub fn rpc_paths() -> Vec<String> {
    // The set was made by the same build, and the test below proves that it reads.
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap_or_default();
    let mut paths = Vec::new();
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                paths.push(format!("/{}.{}/{}", file.package(), service.name(), method.name()));
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_is_found_by_its_path() {
        let paths = rpc_paths();
        assert!(paths.contains(&"/hallpass.v1.Requests/Fetch".to_owned()), "{paths:?}");
        assert!(paths.contains(&"/hallpass.v1.Admin/Resume".to_owned()), "{paths:?}");
        assert!(paths.len() >= 13, "{paths:?}");
    }
}
