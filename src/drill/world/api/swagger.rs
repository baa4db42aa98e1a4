//! OpenAPI v2 in the protobuf that kubectl before 1.27 reads: only the paths that say which kinds take a dry run. Definitions are left
//! out on purpose: with shallow ones such a kubectl would lose the merge keys it knows by itself.

use crate::drill::world::kind::{SERVED, api_version};

/// One length-delimited field. Numbers are those of gnostic's `OpenAPIv2.proto`.
fn field(number: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + 4);
    varint(number << 3 | 2, &mut bytes);
    varint(content.len() as u64, &mut bytes);
    bytes.extend_from_slice(content);
    bytes
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    loop {
        let [low, ..] = (value & 0x7f).to_le_bytes();
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn text(number: u64, text: &str) -> Vec<u8> {
    field(number, text.as_bytes())
}

pub fn document() -> Vec<u8> {
    let mut paths = Vec::new();
    for (group, version, kind) in SERVED {
        let info = kind.info();
        let prefix = if group.is_empty() { "api" } else { "apis" };
        let namespaces = if kind.namespaced() { "namespaces/{namespace}/" } else { "" };
        let path = format!("/{prefix}/{}/{namespaces}{}/{{name}}", api_version(group, version), info.resource);
        let query = [text(2, "query"), text(4, "dryRun"), text(5, "string")].concat();
        // ParametersItem.parameter > Parameter.nonBody > NonBody.query
        let parameter = field(8, &field(1, &field(2, &field(3, &query))));
        let gvk = format!("group: \"{group}\"\nkind: {}\nversion: {version}\n", info.kind);
        let extension = field(13, &[text(1, "x-kubernetes-group-version-kind"), field(2, &text(2, &gvk))].concat());
        let patch = field(8, &[parameter, extension].concat());
        paths.extend(field(2, &[text(1, &path), field(2, &patch)].concat()));
    }
    let info = [text(1, "Kubernetes, simulated"), text(2, "v1.35.0")].concat();
    [text(1, "2.0"), field(2, &info), field(8, &paths)].concat()
}
