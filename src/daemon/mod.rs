//! Assembly and supervision (skeleton).
