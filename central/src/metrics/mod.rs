//! Figures for those who watch over central with their own tools.
