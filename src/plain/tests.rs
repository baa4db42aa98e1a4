//! Whole sessions as typed and printed lines.
