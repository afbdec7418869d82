//! Form fields with their errors.

/// A single-line text field.
#[derive(Default)]
pub(crate) struct Field {
    /// The name and the id of the input.
    pub(crate) id: &'static str,
    pub(crate) label: &'static str,
    pub(crate) value: String,
    /// Empty for no hint.
    pub(crate) hint: &'static str,
    pub(crate) error: Option<String>,
    /// The `type` of the input.
    pub(crate) kind: &'static str,
    pub(crate) autocomplete: &'static str,
    pub(crate) inputmode: &'static str,
    pub(crate) placeholder: &'static str,
    pub(crate) max_length: usize,
    pub(crate) required: bool,
}

/// An error with the name of its field.
pub(crate) struct FieldError {
    pub(crate) field: &'static str,
    pub(crate) message: String,
}

impl Field {
    pub(crate) fn new(id: &'static str, label: &'static str) -> Self {
        Self { id, label, kind: "text", inputmode: "text", max_length: 256, ..Self::default() }
    }

    /// Sets the value and the error.
    pub(crate) fn with(mut self, value: &str, errors: &[FieldError]) -> Self {
        value.clone_into(&mut self.value);
        self.error = error_of(self.id, errors);
        self
    }

    /// Returns the ids for `aria-describedby`.
    pub(crate) fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let error = self.error.is_some().then(|| format!("{}-error", self.id));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

/// Returns the error of the field with this name.
pub(crate) fn error_of(id: &str, errors: &[FieldError]) -> Option<String> {
    errors.iter().find(|error| error.field == id).map(|error| error.message.clone())
}
