"""Writes gemma3_golden.json: texts in many scripts with the ids of Gemma 3's real tokenizer.

    python generate_gemma3.py DIRECTORY_WITH_TOKENIZER_JSON

Needs tokenizers. The file holds no part of the vocabulary but ids. "ids" are without <bos>; "decoded" is given where
decoding does not give the text back.
"""

import json
import pathlib
import random
import sys

from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).parent

PROSE = """
The quick brown fox jumps over the lazy dog.
It's a well-known fact that you can't please everyone, isn't it? "Yes," she said; 'no,' he didn't.
I've seen this movie 3 times (in 1999, 2005 & 2021) and it's GREAT!!! 10/10, would watch again...
Größenwahn, Straßenbahnhaltestelle und Donaudampfschifffahrtsgesellschaftskapitän – „Zitat“.
L'été dernier, où étiez-vous ? À la plage, bien sûr… çà et là.
¿Dónde está la biblioteca? ¡Qué niño más simpático!
O coração não é opção; são paixões.
Zażółć gęślą jaźń. Příliš žluťoučký kůň úpěl ďábelské ódy.
Đường phố Hà Nội nhộn nhịp vào buổi tối.
İstanbul'da ılık bir gün, ğüşöçı.
Съешь же ещё этих мягких французских булок, да выпей чаю.
Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.
שלום עולם, מה שלומך היום? בְּרֵאשִׁית בָּרָא אֱלֹהִים
مرحبا بالعالم، كيف حالك اليوم؟ السَّلَامُ عَلَيْكُمْ
سلام دنیا، حالت چطوره؟ می‌خواهم
नमस्ते दुनिया, आप कैसे हैं? क्षत्रिय ज्ञान श्री
হ্যালো বিশ্ব, আপনি কেমন আছেন?
வணக்கம் உலகம், எப்படி இருக்கிறீர்கள்? க்ஷ ஸ்ரீ
హలో ప్రపంచం ಹಲೋ ಪ್ರಪಂಚ ഹലോ ലോകം
สวัสดีชาวโลก วันนี้เป็นอย่างไรบ้าง กำลังน้ำ
ສະບາຍດີຊາວໂລກ မင်္ဂလာပါကမ္ဘာလောက សួស្តី​ពិភពលោក
안녕하세요 세계, 오늘 기분이 어떠세요? ᄒᆞᆫ글
こんにちは世界。今日は、いい天気ですね！「括弧」『二重』ｶﾀｶﾅ パーティー
你好，世界！今天天气怎么样？《红楼梦》——曹雪芹……
臺灣繁體中文：「龍龜鑿齋」，鬱鬱寡歡。
გამარჯობა მსოფლიო, როგორ ხარ? ႠႡႢ
ሰላም ልዑል፣ እንዴት ነህ?
Բարեւ աշխարհ ᏣᎳᎩ ᐃᓄᒃᑎᑐᑦ ᚠᚢᚦᚨᚱᚲ ꦲꦏ꧀ꦱꦫ བོད་སྐད་ ᠮᠣᠩᠭᠣᠯ
🙂 😀😃😄 👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 ❤️ ☎︎ ⌚️ 1️⃣ 🧑🏿‍🚀
∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, ∑_{i=0}^{n} i² ≠ ∞ ⇒ √2 ≈ 1.41421 ± 10⁻⁵ µΩ½¾
𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝒻𝒶𝓃𝒸𝓎 𝕥𝕖𝕩𝕥 ｆｕｌｌｗｉｄｔｈ ﬁﬂﬀ ǆ ß ẞ ſ
https://www.example.com/path/to/page.html?query=1&other=%20%C3%A9#fragment
user.name+tag@sub.example.co.uk ftp://127.0.0.1:8080/ C:\\Windows\\System32\\drivers\\etc\\hosts ../../a/b
for (int i = 0; i < n; ++i) { sum += a[i] * b[i]; }  // dot
def f(x: int) -> str:\n    return f"{x!r:>10}" if x else None\n\n\nclass A(B):\n\tpass\n
{"key": [1, 2.5, -3e-10, true, null], "nested": {"a\\"b": "\\u00e9\\n"}}
SELECT * FROM t WHERE a='x''y' AND b<>5; -- comment
$ curl -sSL https://x.y | sudo bash -c 'echo "$HOME" && ls -la | grep -v ^d'
<!DOCTYPE html><html><body class="a b"><h1>Title</h1><p>Text &amp; more</p><br /></body></html>
| a | b |\n|---|:-:|\n| 1 | **bold** _it_ `code` |\n\n- item\n  - sub\n1. one
0 1 12 123 1234 12345 1234567890 3.14159265358979 1,000,000.00 0xDEADBEEF 1e-7 ½ ٣٤٥ १२३ ４５６
AAAAAAAAAAAAAAAAAAAA bbbbbbbbbbbbb hahahahahaha looooool wwwwww ====== ------ ###### ****** ______ ......
pneumonoultramicroscopicsilicovolcanoniosis Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch
""".strip().split("\n")

ADDED = """
<pad> <eos> <bos> <unk> <mask> [multimodal] <unused0> <unused5> <unused98> <unused99> <unused6241> <start_of_turn>
<end_of_turn> <start_of_image> <end_of_image> <image_soft_token> <table> <caption> <thead> <tr> <td> </table> </td>
<h1> </h6> <blockquote> <strong> <em> <b> <i> <u> <s> <sub> <sup> <code> </b> </i> </code> <a> <html> <body> <img> <span>
<bbox> <ul> <li> <div> <iframe> <footer> </footer> </a> </div> </li>
""".split()

ODD = [
    "", " ", "▁", "▁▁", "▁▁▁", " ▁", "▁ ", "▁▁ ▁▁", "a▁b", "▁a", " ▁a", "▁ a", "▁" * 31, "▁" * 32, "▁" * 33, "▁" * 100,
    "<0x41>", "<0x0A>", "<0xE2><0x96><0x81>", "<0x", "<0xZZ>", "<unused", "<unused5", "<unused 5>", "<unused6242>",
    "<start_of_", "<start_of_turn", "start_of_turn>", "<<start_of_turn>>", "<start_of_<start_of_turn>", "<start_of_turn>>",
    "< start_of_turn >", "<START_OF_TURN>", "<start_of_turn><end_of_turn>", "<eos><eos><eos>", "[multimodal", "[[multimodal]]",
    "[Multimodal]", "<bos>Hello<eos>", "<b>bold</b>", "<B>bold</B>", "<b >bold</b >", "<br/><br />", "</b", "<bb>", "<table><tr><td>x</td></tr></table>",
    "\x00", "a\x00b", "\x00\x00\x00", "\x01\x02\x03\x1b[31mred\x1b[0m", "\x7f\x80\x9f", "\ufeff", "\ufeffHello", "a\ufeffb",
    "\u00ad", "co\u00adop", "\u200b", "a\u200bb", "\u200c\u200d", "\u200e\u200fRTL", "\u2028\u2029", "\u00a0", "a\u00a0\u00a0b",
    "\u3000全角", "\u202eevil", "\u2060", "\ufffc\ufffd", "\ufffe\uffff", "\U0010ffff", "\ue000\uf8ff", "\U000f0000",
    "\r", "\r\n", "a\r\nb\r\n", "\n\r", "\t", "\t\t", "\t \t", " \t ", "\n \n", "\n\t\n", "\v\f", "a\n", "\na", " \n", "\n ",
    "e\u0301", "é", "a\u0308\u0323", "\u0301", " \u0301", "Z̸̢͎̓a̷l̶g̵o̴", "ｶﾞ", "が", "か\u3099", "각", "\u1100\u1161\u11a8",
    "𠀀𠀁𪛖", "𝄞𝄢𝅘𝅥𝅮", "𐎀𐎁", "𓀀𓁹", "🀄🂡", "🫠🫨", "\U0001f9d1\u200d", "👨‍👩‍👧", "🏴\U000e0067\U000e0062\U000e007f", "️", "☺️☺",
    "> </", ">▁</", "> </b>", ">  </", "a> </p>", "><", "> <", "</>", "<>", "< >", "<<<>>>",
    "'s", " 's", "’s", "''", "``", "\"\"", "…", "...", "....", "—", "––", "--", "---", "~~~", "^^", "@@", "\\\\", "//",
]


def texts():
    out = list(PROSE)
    out += [line.replace("\\n", "\n").replace("\\t", "\t") for line in PROSE if "\\n" in line]
    out += ADDED + [a + b for a, b in zip(ADDED, ADDED[1:])]
    out += [f"x {a} y" for a in ADDED[::3]] + [a[:-1] for a in ADDED[::3]]
    out += ODD
    for character in (" ", "\n", "\t", "\u00a0", "\r\n", "a", "=", "あ", "😀"):
        out += [character * n for n in (2, 3, 4, 7, 16, 30, 31, 32, 33, 61, 62, 63, 64, 100)]
        out += [f"a{character * n}b" for n in (1, 2, 5, 31, 32)]
    out.append("<start_of_turn>user\nHi there!\n\n\nHow are you?<end_of_turn>\n<start_of_turn>model\n")
    out.append("".join(PROSE))
    mixed = random.Random(3)
    parts = PROSE + ADDED + ODD
    for _ in range(80):
        pieces = [mixed.choice(parts) for _ in range(mixed.randint(2, 4))]
        cut = [p[mixed.randint(0, len(p)):][:mixed.randint(1, 12)] for p in pieces]
        out.append("".join(cut))
    return list(dict.fromkeys(out))


def main():
    tokenizer = Tokenizer.from_file(str(pathlib.Path(sys.argv[1]) / "tokenizer.json"))
    cases = []
    for text in texts():
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        case = {"text": text, "ids": ids}
        decoded = tokenizer.decode(ids, skip_special_tokens=False)
        if decoded != text:
            case["decoded"] = decoded
        cases.append(case)
    lines = ",\n".join(json.dumps(c, ensure_ascii=True, separators=(",", ":")) for c in cases)
    (HERE / "gemma3_golden.json").write_text(f"[\n{lines}\n]\n", "utf-8")
    print(len(cases), "texts")


if __name__ == "__main__":
    main()
