//! Texts about cancelling.

use crate::model::Feedback;

/// The texts of one language.
pub(crate) struct CancelText {
    pub(crate) link: &'static str,
    pub(crate) keep_link: &'static str,
    pub(crate) title: &'static str,
    pub(crate) at_period_end: fn(&str) -> String,
    pub(crate) at_once: &'static str,
    /// The final charge.
    pub(crate) last_invoice: fn(&str) -> String,
    pub(crate) no_refund: &'static str,
    pub(crate) credited: &'static str,
    pub(crate) already: fn(&str) -> String,
    pub(crate) submit: &'static str,
    pub(crate) reason_title: &'static str,
    pub(crate) reason_lead: &'static str,
    pub(crate) reasons: &'static str,
    pub(crate) comment: &'static str,
    pub(crate) comment_hint: &'static str,
    pub(crate) comment_long: &'static str,
    pub(crate) reason_submit: &'static str,
    pub(crate) skip: &'static str,
    pub(crate) reason: fn(Feedback) -> &'static str,
}

pub(super) const ENGLISH: CancelText = CancelText {
    link: "Cancel plan",
    keep_link: "Don’t cancel plan",
    title: "Cancel your plan",
    at_period_end: |day| {
        format!("Your plan remains available until {day}. You won’t be charged again.")
    },
    at_once: "Your plan will end immediately.",
    last_invoice: |amount| {
        format!("You will be charged a final {amount} now for the time you have used.")
    },
    no_refund: "Unused time is not refunded.",
    credited: "Unused time is credited to your account.",
    already: |day| format!("This plan is already canceled. It ends on {day}."),
    submit: "Confirm cancellation",
    reason_title: "Why did you cancel?",
    reason_lead: "Your feedback is optional. It helps us improve our service.",
    reasons: "Reason",
    comment: "Anything else?",
    comment_hint: "Do not include card numbers or other personal data.",
    comment_long: "Enter at most 5,000 characters.",
    reason_submit: "Send feedback",
    skip: "No thanks",
    reason: |feedback| match feedback {
        Feedback::TooExpensive => "It’s too expensive",
        Feedback::MissingFeatures => "I need more features",
        Feedback::SwitchedService => "I found an alternative",
        Feedback::Unused => "I no longer need it",
        Feedback::CustomerService => "Customer service did not meet my expectations",
        Feedback::TooComplex => "It’s too hard to use",
        Feedback::LowQuality => "The quality did not meet my expectations",
        Feedback::Other => "Other reason",
    },
};

pub(super) const KOREAN: CancelText = CancelText {
    link: "요금제 해지",
    keep_link: "해지 취소",
    title: "요금제 해지하기",
    at_period_end: |day| {
        format!(
            "{day}까지 요금제를 계속 이용할 수 있습니다. 이후에는 종료되며 더 이상 결제되지 않습니다."
        )
    },
    at_once: "요금제가 바로 종료됩니다.",
    last_invoice: |amount| {
        format!("사용하신 기간에 대한 마지막 청구 금액 {amount}이(가) 지금 결제됩니다.")
    },
    no_refund: "이미 결제한 기간 중 이용하지 않은 기간은 환불되지 않습니다.",
    credited: "이미 결제한 기간 중 이용하지 않은 기간은 계정 크레딧으로 적립됩니다.",
    already: |day| format!("이미 해지된 요금제이며 {day}에 종료됩니다."),
    submit: "해지 확정",
    reason_title: "해지하신 이유가 무엇인가요?",
    reason_lead: "선택 사항입니다. 의견을 남겨 주시면 서비스 개선에 도움이 됩니다.",
    reasons: "해지 이유",
    comment: "더 알려 주실 내용이 있나요?",
    comment_hint: "카드 번호 등 개인정보는 입력하지 말아 주세요.",
    comment_long: "5,000자까지 입력할 수 있습니다.",
    reason_submit: "의견 보내기",
    skip: "건너뛰기",
    reason: |feedback| match feedback {
        Feedback::TooExpensive => "가격이 너무 비쌉니다",
        Feedback::MissingFeatures => "필요한 기능이 부족합니다",
        Feedback::SwitchedService => "다른 서비스를 이용하기로 했습니다",
        Feedback::Unused => "더 이상 필요하지 않습니다",
        Feedback::CustomerService => "고객 지원이 기대에 미치지 못했습니다",
        Feedback::TooComplex => "사용하기 어렵습니다",
        Feedback::LowQuality => "품질이 기대에 미치지 못했습니다",
        Feedback::Other => "기타",
    },
};
