//! What goes wrong on request.
