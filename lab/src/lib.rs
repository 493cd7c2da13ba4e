//! A school, an académie and an Internet in network namespaces.
