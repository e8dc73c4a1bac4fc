//! A binding.
