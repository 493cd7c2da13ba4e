//! Deliveries as schools send them, with every trap that importers met: invented people in files of a moment.

mod builder;
mod composites;
mod csv;
mod deliveries;
mod hostile;
mod xml;
