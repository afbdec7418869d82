//! The fields of forms, with what is wrong with them.

/// A field for one line of text.
#[derive(Default)]
pub(super) struct Field {
    /// Its name and its id.
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    /// Empty where there is nothing to say.
    pub(super) hint: &'static str,
    pub(super) error: Option<String>,
    /// The `type` of the input.
    pub(super) kind: &'static str,
    pub(super) autocomplete: &'static str,
    pub(super) inputmode: &'static str,
    pub(super) placeholder: &'static str,
    pub(super) longest: usize,
    pub(super) required: bool,
}

/// A mistake, with the field that it is in.
pub(super) struct Mistake {
    pub(super) field: &'static str,
    pub(super) message: String,
}

impl Field {
    pub(super) fn new(id: &'static str, label: &'static str) -> Self {
        Self { id, label, kind: "text", inputmode: "text", longest: 256, ..Self::default() }
    }

    /// What the form says of it.
    pub(super) fn with(mut self, value: &str, mistakes: &[Mistake]) -> Self {
        value.clone_into(&mut self.value);
        self.error = error_of(self.id, mistakes);
        self
    }

    /// The ids of what describes it, as `aria-describedby` has them.
    pub(super) fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let error = self.error.is_some().then(|| format!("{}-error", self.id));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

/// What is wrong with the field of this name.
pub(super) fn error_of(id: &str, mistakes: &[Mistake]) -> Option<String> {
    mistakes.iter().find(|mistake| mistake.field == id).map(|mistake| mistake.message.clone())
}
