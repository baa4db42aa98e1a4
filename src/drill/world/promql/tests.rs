//! What can't be seen from outside: the store's limits, and that no text of a query panics or takes unbounded time.
