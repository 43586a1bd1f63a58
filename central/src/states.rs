//! States that are one word in the store, in answers and in tests.

/// Defines an enum whose variants are stored and shown as words. Its order is the order of the variants.
macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// The word in the store and in answers.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads the word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl node::store::ToValue for $name {
            fn to_value(&self) -> node::store::Value<'_> {
                node::store::Value::Text(self.word())
            }
        }

        impl node::store::FromValue for $name {
            const WANTED: &'static str = concat!("a word of ", stringify!($name));

            fn from_value(value: node::store::Value<'_>) -> Option<Self> {
                if let node::store::Value::Text(word) = value { Self::from_word(word) } else { None }
            }
        }
    };
}
pub(crate) use states;
