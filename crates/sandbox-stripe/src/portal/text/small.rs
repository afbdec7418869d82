//! Texts of the smaller pages.

/// Plans on the first page.
pub(crate) struct PlanText {
    pub(crate) trialing: &'static str,
    pub(crate) past_due: &'static str,
    pub(crate) incomplete: &'static str,
    pub(crate) paused: &'static str,
    pub(crate) ending: &'static str,
    pub(crate) trial_until: fn(&str) -> String,
    pub(crate) past_due_note: &'static str,
    pub(crate) incomplete_note: &'static str,
    pub(crate) paused_note: &'static str,
    pub(crate) pay_invoice: &'static str,
}

/// The billing information.
pub(crate) struct DetailsText {
    pub(crate) link: &'static str,
    pub(crate) title: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) address: &'static str,
    pub(crate) line1: &'static str,
    pub(crate) line2: &'static str,
    pub(crate) city: &'static str,
    pub(crate) state: &'static str,
    pub(crate) postal_code: &'static str,
    pub(crate) country: &'static str,
    pub(crate) no_country: &'static str,
    pub(crate) too_long: &'static str,
    /// For control characters.
    pub(crate) unreadable: &'static str,
    pub(crate) email_missing: &'static str,
    pub(crate) email_invalid: &'static str,
    pub(crate) phone_invalid: &'static str,
    pub(crate) country_unknown: &'static str,
}

/// The list of all invoices.
pub(crate) struct HistoryText {
    pub(crate) link: &'static str,
    pub(crate) title: &'static str,
    pub(crate) pages: &'static str,
    pub(crate) newer: &'static str,
    pub(crate) older: &'static str,
    pub(crate) position: fn(usize, usize) -> String,
}

/// The bank page.
pub(crate) struct BankText {
    pub(crate) title: &'static str,
    pub(crate) bank: &'static str,
    pub(crate) save: &'static str,
    pub(crate) pay: &'static str,
    pub(crate) card: &'static str,
    pub(crate) amount: &'static str,
    pub(crate) note: &'static str,
    pub(crate) complete: &'static str,
    pub(crate) fail: &'static str,
}

/// The end of a flow.
pub(crate) struct DoneText {
    pub(crate) card: &'static str,
    pub(crate) cancel: &'static str,
    pub(crate) change: &'static str,
    pub(crate) message: &'static str,
}

/// Notices after an action.
pub(crate) struct NoticeText {
    pub(crate) card_added: &'static str,
    pub(crate) card_default: &'static str,
    /// Replaces `card_default` if a running subscription has a card of its own.
    pub(crate) card_default_but_own: &'static str,
    pub(crate) card_removed: &'static str,
    pub(crate) details_saved: &'static str,
    pub(crate) plan_changed: &'static str,
    pub(crate) plan_canceled: &'static str,
    pub(crate) plan_ended: &'static str,
    pub(crate) plan_kept: &'static str,
    pub(crate) changed: &'static str,
    pub(crate) stale: &'static str,
    pub(crate) not_authenticated: &'static str,
}

pub(super) const ENGLISH_PLAN: PlanText = PlanText {
    trialing: "Trial",
    past_due: "Past due",
    incomplete: "Incomplete",
    paused: "Paused",
    ending: "Ends soon",
    trial_until: |day| format!("Your trial ends on {day}."),
    past_due_note: "The last payment failed.",
    incomplete_note: "The first payment is not complete.",
    paused_note: "The plan is paused: it had no payment method when its trial ended.",
    pay_invoice: "View open invoice",
};

pub(super) const KOREAN_PLAN: PlanText = PlanText {
    trialing: "무료 체험 중",
    past_due: "연체",
    incomplete: "결제 미완료",
    paused: "일시 중지",
    ending: "종료 예정",
    trial_until: |day| format!("{day}까지 무료로 체험할 수 있습니다."),
    past_due_note: "최근 결제가 완료되지 않았습니다.",
    incomplete_note: "첫 결제가 아직 완료되지 않았습니다.",
    paused_note: "체험 기간이 끝났을 때 결제 수단이 없어 요금제가 일시 중지되었습니다.",
    pay_invoice: "미결제 청구서 보기",
};

pub(super) const ENGLISH_DETAILS: DetailsText = DetailsText {
    link: "Update information",
    title: "Update billing information",
    lead: "This information appears on your future invoices.",
    nothing: "You have no saved billing information.",
    address: "Address",
    line1: "Address line 1",
    line2: "Address line 2 (optional)",
    city: "City",
    state: "State or province",
    postal_code: "Postal code",
    country: "Country or region",
    no_country: "Choose a country or region",
    too_long: "This is too long.",
    unreadable: "Remove characters that cannot be displayed.",
    email_missing: "Enter an email address.",
    email_invalid: "Enter an email address such as name@example.com.",
    phone_invalid: "Enter a phone number of at most 20 characters, such as +82 2 1234 5678.",
    country_unknown: "Choose a country or region from the list.",
};

pub(super) const KOREAN_DETAILS: DetailsText = DetailsText {
    link: "정보 수정",
    title: "청구 정보 수정",
    lead: "앞으로 발행되는 청구서에 표시됩니다.",
    nothing: "등록된 청구 정보가 없습니다.",
    address: "주소",
    line1: "주소",
    line2: "상세 주소(선택 사항)",
    city: "시/군/구",
    state: "시/도",
    postal_code: "우편번호",
    country: "국가 또는 지역",
    no_country: "국가 또는 지역 선택",
    too_long: "입력한 내용이 너무 깁니다.",
    unreadable: "표시할 수 없는 문자를 삭제해 주세요.",
    email_missing: "이메일 주소를 입력해 주세요.",
    email_invalid: "name@example.com 형식의 이메일 주소를 입력해 주세요.",
    phone_invalid: "전화번호를 20자 이내로 입력해 주세요(예: +82 2 1234 5678).",
    country_unknown: "목록에서 국가 또는 지역을 선택해 주세요.",
};

pub(super) const ENGLISH_HISTORY: HistoryText = HistoryText {
    link: "View billing history",
    title: "Billing history",
    pages: "Pages",
    newer: "Newer invoices",
    older: "Older invoices",
    position: |page, pages| format!("Page {page} of {pages}"),
};

pub(super) const KOREAN_HISTORY: HistoryText = HistoryText {
    link: "결제 내역 전체 보기",
    title: "결제 내역",
    pages: "페이지",
    newer: "다음 청구서",
    older: "이전 청구서",
    position: |page, pages| format!("{pages}페이지 중 {page}페이지"),
};

pub(super) const ENGLISH_BANK: BankText = BankText {
    title: "Authenticate with your bank",
    bank: "Test bank",
    save: "Your bank asks you to confirm saving this card.",
    pay: "Your bank asks you to confirm this payment.",
    card: "Card",
    amount: "Amount",
    note: "This page simulates your bank’s page. Choose the result.",
    complete: "Complete authentication",
    fail: "Fail authentication",
};

pub(super) const KOREAN_BANK: BankText = BankText {
    title: "카드사 본인 인증",
    bank: "테스트 카드사",
    save: "카드사에서 이 카드를 저장해도 되는지 확인합니다.",
    pay: "카드사에서 이 결제를 승인할지 확인합니다.",
    card: "카드",
    amount: "금액",
    note: "실제 카드사 페이지를 대신하는 화면입니다. 인증 결과를 선택해 주세요.",
    complete: "인증 완료",
    fail: "인증 실패",
};

pub(super) const ENGLISH_DONE: DoneText = DoneText {
    card: "Your payment method is updated",
    cancel: "Your plan is canceled",
    change: "Your plan is changed",
    message: "All done. You can close this page.",
};

pub(super) const KOREAN_DONE: DoneText = DoneText {
    card: "결제 수단이 변경되었습니다",
    cancel: "요금제가 해지되었습니다",
    change: "요금제가 변경되었습니다",
    message: "모두 완료되었습니다. 이 페이지를 닫아도 됩니다.",
};

pub(super) const ENGLISH_NOTICES: NoticeText = NoticeText {
    card_added: "The payment method was added.",
    card_default: "The default payment method was changed.",
    card_default_but_own: "The default payment method was changed. Plans with their own card keep \
         that card.",
    card_removed: "The payment method was removed.",
    details_saved: "The billing information was saved.",
    plan_changed: "Your plan was changed.",
    plan_canceled: "Your plan was canceled. You can use it until it ends.",
    plan_ended: "Your plan was canceled and has ended.",
    plan_kept: "The cancellation was undone. Your plan continues.",
    changed: "The details changed in the meantime. Nothing was done. Review them and try again.",
    stale: "The amounts were out of date. Nothing was done. Review the current amounts.",
    not_authenticated: "Authentication failed. Nothing was done. Try again or use another card.",
};

pub(super) const KOREAN_NOTICES: NoticeText = NoticeText {
    card_added: "결제 수단을 추가했습니다.",
    card_default: "기본 결제 수단을 변경했습니다.",
    card_default_but_own: "기본 결제 수단을 변경했습니다. 별도의 카드로 결제하는 요금제는 그대로 유지됩니다.",
    card_removed: "결제 수단을 삭제했습니다.",
    details_saved: "청구 정보를 저장했습니다.",
    plan_changed: "요금제를 변경했습니다.",
    plan_canceled: "요금제를 해지했습니다. 종료일까지 계속 이용할 수 있습니다.",
    plan_ended: "요금제를 해지했으며, 바로 종료되었습니다.",
    plan_kept: "해지를 취소했습니다. 요금제를 계속 이용할 수 있습니다.",
    changed: "그사이 내용이 변경되어 요청을 처리하지 않았습니다. 다시 확인해 주세요.",
    stale: "금액을 확인한 지 오래되어 처리하지 않았습니다. 아래는 현재 금액입니다.",
    not_authenticated: "카드사 인증이 완료되지 않아 처리하지 않았습니다. 다시 시도하거나 다른 카드를 사용해 주세요.",
};
