//! The countries and regions that the address form offers.

use crate::locale::Language;

/// Code (ISO 3166-1), English name, Korean name. The pages show other codes as they are.
const COUNTRIES: &[(&str, &str, &str)] = &[
    ("AU", "Australia", "오스트레일리아"),
    ("AT", "Austria", "오스트리아"),
    ("BE", "Belgium", "벨기에"),
    ("BR", "Brazil", "브라질"),
    ("BG", "Bulgaria", "불가리아"),
    ("CA", "Canada", "캐나다"),
    ("CL", "Chile", "칠레"),
    ("CN", "China", "중국"),
    ("CO", "Colombia", "콜롬비아"),
    ("HR", "Croatia", "크로아티아"),
    ("CY", "Cyprus", "키프로스"),
    ("CZ", "Czechia", "체코"),
    ("DK", "Denmark", "덴마크"),
    ("EE", "Estonia", "에스토니아"),
    ("FI", "Finland", "핀란드"),
    ("FR", "France", "프랑스"),
    ("DE", "Germany", "독일"),
    ("GR", "Greece", "그리스"),
    ("HK", "Hong Kong", "홍콩"),
    ("HU", "Hungary", "헝가리"),
    ("IS", "Iceland", "아이슬란드"),
    ("IN", "India", "인도"),
    ("ID", "Indonesia", "인도네시아"),
    ("IE", "Ireland", "아일랜드"),
    ("IL", "Israel", "이스라엘"),
    ("IT", "Italy", "이탈리아"),
    ("JP", "Japan", "일본"),
    ("LV", "Latvia", "라트비아"),
    ("LT", "Lithuania", "리투아니아"),
    ("LU", "Luxembourg", "룩셈부르크"),
    ("MY", "Malaysia", "말레이시아"),
    ("MT", "Malta", "몰타"),
    ("MX", "Mexico", "멕시코"),
    ("MN", "Mongolia", "몽골"),
    ("NL", "Netherlands", "네덜란드"),
    ("NZ", "New Zealand", "뉴질랜드"),
    ("NO", "Norway", "노르웨이"),
    ("PH", "Philippines", "필리핀"),
    ("PL", "Poland", "폴란드"),
    ("PT", "Portugal", "포르투갈"),
    ("RO", "Romania", "루마니아"),
    ("SA", "Saudi Arabia", "사우디아라비아"),
    ("SG", "Singapore", "싱가포르"),
    ("SK", "Slovakia", "슬로바키아"),
    ("SI", "Slovenia", "슬로베니아"),
    ("ZA", "South Africa", "남아프리카 공화국"),
    ("KR", "South Korea", "대한민국"),
    ("ES", "Spain", "스페인"),
    ("SE", "Sweden", "스웨덴"),
    ("CH", "Switzerland", "스위스"),
    ("TW", "Taiwan", "대만"),
    ("TH", "Thailand", "태국"),
    ("TR", "Türkiye", "튀르키예"),
    ("UA", "Ukraine", "우크라이나"),
    ("AE", "United Arab Emirates", "아랍에미리트"),
    ("GB", "United Kingdom", "영국"),
    ("US", "United States", "미국"),
    ("VN", "Vietnam", "베트남"),
];

/// Returns codes and names, sorted by name.
pub(in crate::portal) fn all(language: Language) -> Vec<(String, String)> {
    let named = |(code, english, korean): &(&str, &str, &str)| {
        let name = match language {
            Language::English => english,
            Language::Korean => korean,
        };
        ((*code).to_owned(), (*name).to_owned())
    };
    let mut all: Vec<(String, String)> = COUNTRIES.iter().map(named).collect();
    all.sort_by(|a, b| a.1.cmp(&b.1));
    all
}

/// Returns the name of the country with this code.
pub(in crate::portal) fn name(code: &str, language: Language) -> Option<&'static str> {
    let (_, english, korean) = COUNTRIES.iter().find(|(known, ..)| *known == code)?;
    Some(match language {
        Language::English => english,
        Language::Korean => korean,
    })
}
