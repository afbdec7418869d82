//! The fields of forms, with what is wrong with them.

/// A field for one line of text.
#[derive(Default)]
pub(crate) struct Field {
    /// Its name and its id.
    pub(crate) id: &'static str,
    pub(crate) label: &'static str,
    pub(crate) value: String,
    /// Empty where there is nothing to say.
    pub(crate) hint: &'static str,
    pub(crate) error: Option<String>,
    /// The `type` of the input.
    pub(crate) kind: &'static str,
    pub(crate) autocomplete: &'static str,
    pub(crate) inputmode: &'static str,
    pub(crate) placeholder: &'static str,
    pub(crate) longest: usize,
    pub(crate) required: bool,
}

/// A mistake, with the field that it is in.
pub(crate) struct Mistake {
    pub(crate) field: &'static str,
    pub(crate) message: String,
}

impl Field {
    pub(crate) fn new(id: &'static str, label: &'static str) -> Self {
        Self { id, label, kind: "text", inputmode: "text", longest: 256, ..Self::default() }
    }

    /// What the form says of it.
    pub(crate) fn with(mut self, value: &str, mistakes: &[Mistake]) -> Self {
        value.clone_into(&mut self.value);
        self.error = error_of(self.id, mistakes);
        self
    }

    /// The ids of what describes it, as `aria-describedby` has them.
    pub(crate) fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let error = self.error.is_some().then(|| format!("{}-error", self.id));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

/// What is wrong with the field of this name.
pub(crate) fn error_of(id: &str, mistakes: &[Mistake]) -> Option<String> {
    mistakes.iter().find(|mistake| mistake.field == id).map(|mistake| mistake.message.clone())
}
