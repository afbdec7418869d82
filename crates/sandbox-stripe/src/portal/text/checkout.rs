//! Texts of the checkout.

/// The texts of one language.
pub(crate) struct CheckoutText {
    pub(crate) title: &'static str,
    pub(crate) headline: &'static str,
    pub(crate) subscribe_to: fn(&str) -> String,
    pub(crate) subscribe: &'static str,
    pub(crate) trial: fn(i64) -> String,
    /// Takes a price with its period and the end of the trial.
    pub(crate) after_trial: fn(&str, &str) -> String,
    /// Takes a price with its period and the next payment date.
    pub(crate) renews: fn(&str, &str) -> String,
    pub(crate) other_card: &'static str,
    pub(crate) pay: fn(&str) -> String,
    pub(crate) start_trial: &'static str,
    pub(crate) not_authenticated: &'static str,
    pub(crate) changed: &'static str,
    pub(crate) unknown_message: &'static str,
    pub(crate) expired_title: &'static str,
    pub(crate) expired_message: &'static str,
    pub(crate) complete_title: &'static str,
    pub(crate) complete_message: &'static str,
    pub(crate) gone_title: &'static str,
    pub(crate) gone_message: &'static str,
    pub(crate) forged_message: &'static str,
    pub(crate) back: &'static str,
}

pub(super) const ENGLISH: CheckoutText = CheckoutText {
    title: "Checkout",
    headline: "Review your order and pay by card.",
    subscribe_to: |name| format!("Subscribe to {name}"),
    subscribe: "Subscribe",
    trial: |days| if days == 1 { "1 day free".to_owned() } else { format!("{days} days free") },
    after_trial: |rate, day| {
        format!("Your trial ends on {day}. After that, you pay {rate} until you cancel.")
    },
    renews: |rate, day| format!("Starting {day}, you pay {rate} until you cancel."),
    other_card: "Another card",
    pay: |amount| format!("Subscribe and pay {amount}"),
    start_trial: "Start trial",
    not_authenticated: "Authentication failed. Nothing was charged. Try again or use another card.",
    changed: "The details changed in the meantime. Nothing was charged. Review them and try again.",
    unknown_message: "There is no checkout at this address. Go back to the previous page and \
         start again.",
    expired_title: "This checkout has expired",
    expired_message: "Nothing was charged. Go back to the previous page and start again.",
    complete_title: "Your subscription is set up",
    complete_message: "The checkout is complete. No further payment is due here. You can \
         close this page.",
    gone_title: "This checkout is no longer available",
    gone_message: "The account for this checkout has changed. Nothing was charged. Go back to the \
         previous page and start again.",
    forged_message: "The request did not come from your checkout page, or it was incomplete. \
         Nothing was charged. Open the page again and retry.",
    back: "Back to checkout",
};

pub(super) const KOREAN: CheckoutText = CheckoutText {
    title: "결제하기",
    headline: "주문 내용을 확인하고 카드로 결제해 주세요.",
    subscribe_to: |name| format!("{name} 구독하기"),
    subscribe: "구독하기",
    trial: |days| format!("{days}일 무료"),
    after_trial: |rate, day| {
        format!("무료 체험은 {day}에 끝나며, 이후 해지할 때까지 {rate} 요금으로 자동 결제됩니다.")
    },
    renews: |rate, day| format!("{day}부터 해지할 때까지 {rate} 요금으로 자동 결제됩니다."),
    other_card: "다른 카드",
    pay: |amount| format!("{amount} 결제하고 구독하기"),
    start_trial: "무료 체험 시작",
    not_authenticated: "카드사 인증이 완료되지 않아 결제되지 않았습니다. 다시 시도하거나 다른 카드를 사용해 주세요.",
    changed: "그사이 내용이 변경되어 결제되지 않았습니다. 다시 확인해 주세요.",
    unknown_message: "이 주소에 해당하는 결제 페이지가 없습니다. 이전 페이지로 돌아가 다시 시작해 주세요.",
    expired_title: "만료된 결제 페이지입니다",
    expired_message: "결제된 금액은 없습니다. 이전 페이지로 돌아가 다시 시작해 주세요.",
    complete_title: "구독이 시작되었습니다",
    complete_message: "결제 절차가 모두 끝났으며, 여기서 더 결제되는 금액은 없습니다. 이 페이지를 닫아도 됩니다.",
    gone_title: "더 이상 사용할 수 없는 결제 페이지입니다",
    gone_message: "이 결제 페이지를 연 계정이 변경되었습니다. 결제된 금액은 없습니다. 이전 페이지로 돌아가 다시 시작해 주세요.",
    forged_message: "결제 페이지에서 보낸 요청이 아니거나 내용이 온전히 도착하지 않았습니다. 결제된 금액은 없습니다. 페이지를 \
                     다시 열고 한 번 더 시도해 주세요.",
    back: "결제 페이지로 돌아가기",
};
