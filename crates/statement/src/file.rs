//! A signed text as a file: the text, and its signature in SSH's armor (PROTOCOL.sshsig) below, as `ssh-keygen -Y verify`
//! takes both once they are parted.

use base64ct::{Base64, Encoding as _};

use crate::sshsig;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "-----END SSH SIGNATURE-----\n";
/// Characters of a line of the armor.
const LINE: usize = 70;

/// What a file is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no signed text: a statement, and below it its SSH SIGNATURE")]
pub struct NotSigned;

/// A text and the bytes of its SSHSIG signature, as one file.
pub fn write_signed(text: &str, signature: &[u8]) -> String {
    let mut file = format!("{text}{BEGIN}");
    let encoded = Base64::encode_string(signature);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        file.push_str(line);
        file.push('\n');
        rest = after;
    }
    file.push_str(END);
    file
}

/// The text and the bytes of its signature; neither is checked here.
///
/// # Errors
/// [`NotSigned`]
pub fn read_signed(file: &str) -> Result<(String, Vec<u8>), NotSigned> {
    let (text, armored) = file.split_once(BEGIN).ok_or(NotSigned)?;
    let encoded: String = armored.strip_suffix(END).ok_or(NotSigned)?.lines().collect();
    // No signature is longer, and it is read into memory here.
    if text.is_empty() || encoded.len() > 2 * sshsig::LONGEST {
        return Err(NotSigned);
    }
    Ok((text.to_owned(), Base64::decode_vec(&encoded).map_err(|_| NotSigned)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_text_reads_back_from_its_file() {
        let signature: Vec<u8> = (0..=255).collect();
        let file = write_signed("hallpass-act v1\nuser: alice\n", &signature);
        assert!(file.lines().all(|line| line.len() <= 70), "{file}");
        assert_eq!(read_signed(&file), Ok(("hallpass-act v1\nuser: alice\n".to_owned(), signature)));
    }

    #[test]
    fn what_is_no_signed_text_is_refused() {
        let good = write_signed("text\n", b"signature");
        for bad in [
            "",
            "text\n",
            &good.replace("text\n", ""),
            good.trim_end(),
            &good.replace("c2ln", "c2l*"),
            &format!("{good} "),
        ] {
            assert_eq!(read_signed(bad), Err(NotSigned), "{bad:?}");
        }
    }
}
