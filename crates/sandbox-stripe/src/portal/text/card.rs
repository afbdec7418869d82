//! Texts about cards.

use crate::model::Decline;

/// The texts of one language.
pub(crate) struct CardText {
    pub(crate) add: &'static str,
    pub(crate) add_lead: &'static str,
    pub(crate) add_title: &'static str,
    pub(crate) update_title: &'static str,
    pub(crate) update_lead: &'static str,
    /// Replaces `update_lead` if a running subscription has a card of its own.
    pub(crate) update_lead_but_own: &'static str,
    pub(crate) submit: &'static str,
    pub(crate) cancel: &'static str,
    pub(crate) name: &'static str,
    pub(crate) number: &'static str,
    pub(crate) expiry: &'static str,
    pub(crate) expiry_hint: &'static str,
    pub(crate) expiry_placeholder: &'static str,
    pub(crate) cvc: &'static str,
    pub(crate) cvc_hint: &'static str,
    pub(crate) use_as_default: &'static str,
    pub(crate) pays_for: &'static str,
    pub(crate) name_missing: &'static str,
    pub(crate) name_long: &'static str,
    pub(crate) number_missing: &'static str,
    pub(crate) expiry_missing: &'static str,
    pub(crate) cvc_missing: &'static str,
    pub(crate) test_title: &'static str,
    pub(crate) test_lead: &'static str,
    pub(crate) test_number: &'static str,
    pub(crate) test_outcome: &'static str,
    pub(crate) test_succeeds: &'static str,
    pub(crate) test_authenticates: &'static str,
    pub(crate) test_declines_later: &'static str,
    pub(crate) test_declined: &'static str,
    pub(crate) test_funds: &'static str,
    pub(crate) test_expired: &'static str,
    pub(crate) saved_title: &'static str,
    pub(crate) make_default: &'static str,
    pub(crate) remove: &'static str,
    pub(crate) remove_title: &'static str,
    pub(crate) remove_lead: &'static str,
    pub(crate) remove_submit: &'static str,
    pub(crate) keep: &'static str,
    pub(crate) needed_last: &'static str,
    pub(crate) needed_default: &'static str,
    /// A whole sentence for each reason.
    pub(crate) decline: fn(Decline) -> &'static str,
}

pub(super) const ENGLISH: CardText = CardText {
    add: "Add payment method",
    add_title: "Add a payment method",
    add_lead: "Your card will be saved for future payments.",
    update_title: "Update your payment method",
    update_lead: "The new card becomes the default for your plans and invoices.",
    update_lead_but_own: "The new card becomes the default payment method. \
         Plans with their own card keep that card.",
    submit: "Save card",
    cancel: "Cancel",
    name: "Name on card",
    number: "Card number",
    expiry: "Expiry date",
    expiry_hint: "Month and year, such as 12 / 34",
    expiry_placeholder: "MM / YY",
    cvc: "Security code",
    cvc_hint: "3 digits on the back; 4 on the front of American Express",
    use_as_default: "Use as the default payment method",
    pays_for: "This card will pay for your plan from now on.",
    name_missing: "Enter the name on the card.",
    name_long: "The name can have at most 256 characters.",
    number_missing: "Enter the card number.",
    expiry_missing: "Enter the expiry date.",
    cvc_missing: "Enter the security code.",
    test_title: "Test cards",
    test_lead: "Only test cards work here. Use any future date and any security code.",
    test_number: "Number",
    test_outcome: "Result",
    test_succeeds: "Succeeds",
    test_authenticates: "Requires authentication",
    test_declines_later: "Can be saved; payments are declined",
    test_declined: "Declined",
    test_funds: "Insufficient funds",
    test_expired: "Expired card",
    saved_title: "Or use a saved card",
    make_default: "Make default",
    remove: "Remove",
    remove_title: "Remove this card?",
    remove_lead: "It will no longer be used for payments. You can add it again at any time.",
    remove_submit: "Remove card",
    keep: "Keep card",
    needed_last: "This is your only card, and it pays for your plan. Add another card before you \
         remove it.",
    needed_default: "This card pays for your plan. Make another card the default before you \
         remove it.",
    decline: |decline| match decline {
        Decline::AuthenticationFailed => "The card could not be authenticated.",
        Decline::CardVelocityExceeded => {
            "The card was declined: it was used too often in a short time."
        }
        Decline::ExpiredCard => "The card has expired. Use another card.",
        Decline::GenericDecline => "The card was declined. Use another card or contact your bank.",
        Decline::IncorrectCvc => "The security code is incorrect.",
        Decline::IncorrectNumber => "The card number is invalid. Check every digit.",
        Decline::InsufficientFunds => "The card has insufficient funds. Use another card.",
        Decline::InvalidCvc => "The security code is incomplete.",
        Decline::InvalidExpiryMonth | Decline::InvalidExpiryYear => {
            "The expiry date is invalid or in the past."
        }
        Decline::LostCard | Decline::StolenCard => "The card was declined. Use another card.",
        Decline::ProcessingError => "The card could not be processed. Try again in a moment.",
        Decline::TestModeLiveCard => {
            "The card was declined because it is not a test card. Use a card from this list."
        }
    },
};

pub(super) const KOREAN: CardText = CardText {
    add: "결제 수단 추가",
    add_title: "결제 수단 추가하기",
    add_lead: "카드를 저장해 두고 이후 결제에 사용합니다.",
    update_title: "결제 수단 변경",
    update_lead: "새 카드가 요금제와 청구서의 기본 결제 수단이 됩니다.",
    update_lead_but_own: "새 카드가 기본 결제 수단이 됩니다. 별도의 카드로 결제하는 요금제는 그대로 유지됩니다.",
    submit: "카드 저장",
    cancel: "취소",
    name: "카드 명의자 이름",
    number: "카드 번호",
    expiry: "유효기간",
    expiry_hint: "월과 연도를 입력해 주세요(예: 12 / 34)",
    expiry_placeholder: "MM / YY",
    cvc: "보안 코드(CVC)",
    cvc_hint: "카드 뒷면 3자리(American Express는 앞면 4자리)",
    use_as_default: "기본 결제 수단으로 사용",
    pays_for: "앞으로 이 카드로 요금제를 결제합니다.",
    name_missing: "카드에 적힌 이름을 입력해 주세요.",
    name_long: "이름은 256자까지 입력할 수 있습니다.",
    number_missing: "카드 번호를 입력해 주세요.",
    expiry_missing: "유효기간을 입력해 주세요.",
    cvc_missing: "보안 코드를 입력해 주세요.",
    test_title: "테스트 카드",
    test_lead: "여기서는 테스트 카드만 사용할 수 있습니다. 유효기간에는 미래의 날짜를, 보안 코드에는 아무 숫자나 입력해 \
                주세요.",
    test_number: "번호",
    test_outcome: "결과",
    test_succeeds: "결제 성공",
    test_authenticates: "본인 인증 필요",
    test_declines_later: "저장은 되지만 결제는 거절",
    test_declined: "카드 거절",
    test_funds: "한도 초과 또는 잔액 부족",
    test_expired: "유효기간 만료",
    saved_title: "저장된 카드 사용",
    make_default: "기본으로 설정",
    remove: "삭제",
    remove_title: "이 카드를 삭제할까요?",
    remove_lead: "더 이상 결제에 사용되지 않습니다. 언제든지 다시 추가할 수 있습니다.",
    remove_submit: "카드 삭제",
    keep: "삭제하지 않기",
    needed_last: "요금제 결제에 사용 중인 유일한 카드입니다. 삭제하려면 먼저 다른 카드를 추가해 주세요.",
    needed_default: "요금제 결제에 사용 중인 카드입니다. 삭제하려면 먼저 다른 카드를 기본으로 설정해 주세요.",
    decline: |decline| match decline {
        Decline::AuthenticationFailed => "카드를 인증하지 못했습니다.",
        Decline::CardVelocityExceeded => {
            "카드가 거절되었습니다. 짧은 시간에 너무 자주 사용되었습니다."
        }
        Decline::ExpiredCard => "유효기간이 지난 카드입니다. 다른 카드를 사용해 주세요.",
        Decline::GenericDecline => {
            "카드가 거절되었습니다. 다른 카드를 사용하거나 카드사에 문의해 주세요."
        }
        Decline::IncorrectCvc => "보안 코드가 올바르지 않습니다.",
        Decline::IncorrectNumber => "카드 번호가 올바르지 않습니다. 다시 확인해 주세요.",
        Decline::InsufficientFunds => {
            "카드 한도를 초과했거나 잔액이 부족합니다. 다른 카드를 사용해 주세요."
        }
        Decline::InvalidCvc => "보안 코드를 끝까지 입력해 주세요.",
        Decline::InvalidExpiryMonth | Decline::InvalidExpiryYear => {
            "유효기간이 올바르지 않거나 지났습니다."
        }
        Decline::LostCard | Decline::StolenCard => {
            "카드가 거절되었습니다. 다른 카드를 사용해 주세요."
        }
        Decline::ProcessingError => "카드를 처리하지 못했습니다. 잠시 후 다시 시도해 주세요.",
        Decline::TestModeLiveCard => {
            "테스트 카드가 아니어서 거절되었습니다. 아래 목록의 카드를 사용해 주세요."
        }
    },
};
