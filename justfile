# What CI runs, in parts. `just check` before each commit.

default: check

# Formatting, lints, tests, docs, and licences where cargo-deny is installed.
check: fmt lint test doc deny

fmt:
    cargo fmt --check

lint:
    cargo clippy --locked --all-targets -- -D warnings

test:
    tests/run quick

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

deny:
    @if command -v cargo-deny >/dev/null; then cargo deny check; else echo "cargo-deny is not installed: licences and advisories were not checked"; fi

# Figures, printed side by side; nothing is asserted.
bench:
    cargo bench --locked

# Rewrite the documents that are generated from the code.
docs:
    UPDATE_DOCS=1 cargo nextest run --locked -E 'test(doc)'
