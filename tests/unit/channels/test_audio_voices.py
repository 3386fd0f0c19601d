from __future__ import annotations

import io
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from broadcaster.model.errors import Unsupported
from channels.audio import driver, sound, worker
from channels.audio.voices import load_voices

VOICES = load_voices()
RATE = 150

# The same short warning everywhere: heavy rain, stay in, not into the cellar, one one two.
TEXTS = {
    "de": (
        "Starkregen in Dortmund.\n"
        "Bleiben Sie im Haus und gehen Sie nicht in den Keller.\n"
        "Bei Lebensgefahr rufen Sie eins eins zwei an."
    ),
    "en": (
        "Heavy rain in Dortmund.\n"
        "Stay indoors and do not go into the cellar.\n"
        "If lives are in danger, call one one two."
    ),
    "tr": (
        "Dortmund'da şiddetli yağmur.\n"
        "Evde kalın ve bodruma inmeyin.\n"
        "Hayati tehlike varsa bir bir iki numarasını arayın."
    ),
    "ar": (
        "أمطار غزيرة في دورتموند.\n"
        "ابقوا في المنزل ولا تنزلوا إلى القبو.\n"
        "عند وجود خطر على الحياة اتصلوا بالرقم واحد واحد اثنان."
    ),
    "uk": (
        "Сильний дощ у Дортмунді.\n"
        "Залишайтеся вдома і не спускайтеся до підвалу.\n"
        "Якщо є загроза життю, телефонуйте один один два."
    ),
    "ru": (
        "Сильный дождь в Дортмунде.\n"
        "Оставайтесь дома и не спускайтесь в подвал.\n"
        "При угрозе жизни звоните один один два."
    ),
    "pl": (
        "Ulewny deszcz w Dortmundzie.\n"
        "Zostań w domu i nie schodź do piwnicy.\n"
        "W razie zagrożenia życia zadzwoń pod numer jeden jeden dwa."
    ),
    "ro": (
        "Ploaie puternică în Dortmund.\n"
        "Rămâneți în casă și nu coborâți în pivniță.\n"
        "În caz de pericol de viață sunați la unu unu doi."
    ),
    "bg": (
        "Силен дъжд в Дортмунд.\n"
        "Останете вкъщи и не слизайте в мазето.\n"
        "При опасност за живота се обадете на едно едно две."
    ),
    "fr": (
        "Forte pluie à Dortmund.\n"
        "Restez chez vous et ne descendez pas à la cave.\n"
        "En cas de danger de mort, appelez le un un deux."
    ),
    "es": (
        "Lluvia intensa en Dortmund.\n"
        "Quédese en casa y no baje al sótano.\n"
        "Si hay peligro de muerte, llame al uno uno dos."
    ),
    "it": (
        "Forte pioggia a Dortmund.\n"
        "Restate in casa e non scendete in cantina.\n"
        "In caso di pericolo di vita chiamate uno uno due."
    ),
    "pt": (
        "Chuva forte em Dortmund.\n"
        "Fique em casa e não desça à cave.\n"
        "Em caso de perigo de vida, ligue um um dois."
    ),
    "el": (
        "Ισχυρή βροχή στο Ντόρτμουντ.\n"
        "Μείνετε στο σπίτι και μην κατεβείτε στο υπόγειο.\n"
        "Αν κινδυνεύει ζωή, καλέστε ένα ένα δύο."
    ),
    "fa": (
        "باران شدید در دورتموند.\n"
        "در خانه بمانید و به زیرزمین نروید.\n"
        "اگر جان کسی در خطر است با شماره یک یک دو تماس بگیرید."
    ),
    "kmr": (
        "Barana giran li Dortmundê.\n"
        "Li malê bimînin û daneketin jêrzemînê.\n"
        "Heke jiyan di xetereyê de be, li yek yek du bigerin."
    ),
    "sq": (
        "Shi i dendur në Dortmund.\n"
        "Qëndroni në shtëpi dhe mos zbrisni në bodrum.\n"
        "Nëse jeta është në rrezik, telefononi një një dy."
    ),
    "sr": (
        "Јака киша у Дортмунду.\n"
        "Останите у кући и не силазите у подрум.\n"
        "Ако је живот у опасности, позовите један један два."
    ),
    "sr-Latn": (
        "Jaka kiša u Dortmundu.\n"
        "Ostanite u kući i ne silazite u podrum.\n"
        "Ako je život u opasnosti, pozovite jedan jedan dva."
    ),
    "hr": (
        "Jaka kiša u Dortmundu.\n"
        "Ostanite u kući i ne silazite u podrum.\n"
        "Ako je život u opasnosti, nazovite jedan jedan dva."
    ),
    "bs": (
        "Jaka kiša u Dortmundu.\n"
        "Ostanite u kući i ne silazite u podrum.\n"
        "Ako je život u opasnosti, pozovite jedan jedan dva."
    ),
    "mk": (
        "Силен дожд во Дортмунд.\n"
        "Останете дома и не слегувајте во подрумот.\n"
        "Ако животот е во опасност, јавете се на еден еден два."
    ),
    "hu": (
        "Heves eső Dortmundban.\n"
        "Maradjon otthon, és ne menjen le a pincébe.\n"
        "Életveszély esetén hívja az egy egy kettő számot."
    ),
    "nl": (
        "Zware regen in Dortmund.\n"
        "Blijf binnen en ga niet naar de kelder.\n"
        "Bel bij levensgevaar een een twee."
    ),
    "vi": (
        "Mưa lớn ở Dortmund.\n"
        "Hãy ở trong nhà và đừng xuống tầng hầm.\n"
        "Nếu nguy hiểm đến tính mạng, hãy gọi một một hai."
    ),
    "zh-Hans": ("多特蒙德有暴雨。\n请留在家里，不要去地下室。\n如有生命危险，请拨打一一二。"),
    "hi": (
        "डॉर्टमुंड में भारी बारिश।\nघर में रहें और तहखाने में न जाएँ।\nजान का खतरा हो तो एक एक दो पर फ़ोन करें।"
    ),
    "ur": (
        "ڈورٹمنڈ میں شدید بارش۔\n"
        "گھر میں رہیں اور تہہ خانے میں نہ جائیں۔\n"
        "جان کا خطرہ ہو تو ایک ایک دو پر فون کریں۔"
    ),
    "ti": ("ብርቱዕ ዝናብ ኣብ ዶርትሙንድ።\nኣብ ገዛ ጽንሑ ናብ ትሕቲ ቤት ድማ ኣይትኺዱ።\nህይወት ኣብ ሓደጋ እንተሃልዩ ሓደ ሓደ ክልተ ደውሉ።"),
    "ta": (
        "டோர்ட்முண்டில் கனமழை.\n"
        "வீட்டிலேயே இருங்கள், அடித்தளத்திற்குச் செல்லாதீர்கள்.\n"
        "உயிருக்கு ஆபத்து என்றால் ஒன்று ஒன்று இரண்டு அழைக்கவும்."
    ),
    "ka": (
        "ძლიერი წვიმა დორტმუნდში.\n"
        "დარჩით სახლში და ნუ ჩახვალთ სარდაფში.\n"
        "სიცოცხლის საფრთხის შემთხვევაში დარეკეთ ერთი ერთი ორი."
    ),
    "hy": (
        "Ուժեղ անձրև Դորտմունդում։\n"
        "Մնացեք տանը և մի իջեք նկուղ։\n"
        "Կյանքի վտանգի դեպքում զանգահարեք մեկ մեկ երկու։"
    ),
    "am": ("በዶርትሙንድ ከባድ ዝናብ።\nበቤት ውስጥ ይቆዩ ወደ ምድር ቤት አይውረዱ።\nሕይወት አደጋ ላይ ከሆነ አንድ አንድ ሁለት ይደውሉ።"),
    "prs": (
        "باران شدید در دورتموند.\n"
        "در خانه بمانید و به زیرزمین نروید.\n"
        "اگر جان کسی در خطر است با شماره یک یک دو تماس بگیرید."
    ),
}


def _why_silent() -> str:
    try:
        driver.library()
    except driver.SpeechError as error:
        return str(error)
    return ""


WHY_SILENT = _why_silent()
speaks = pytest.mark.skipif(bool(WHY_SILENT), reason=WHY_SILENT)


def engine_with(voice: str, *, ssml: bool = False):
    import pyttsx3

    engine = pyttsx3.init(driverName=driver.register())
    engine.setProperty("voice", voice)
    engine.setProperty("rate", RATE)
    engine.setProperty("volume", 0.6)
    engine.setProperty("ssml", ssml)
    return engine


def seconds(data: bytes) -> float:
    with wave.open(io.BytesIO(data)) as file:
        return file.getnframes() / file.getframerate()


def test_every_language_we_set_out_to_reach_has_a_row_and_says_if_it_is_silent():
    assert set(VOICES.speaking) == set(TEXTS)
    assert set(VOICES.silent) == {"ps", "ckb", "so"}
    assert len(VOICES.speaking) + len(VOICES.silent) == 37  # Serbian in both alphabets


@speaks
@pytest.mark.parametrize("language", VOICES.speaking)
def test_the_voice_of_each_language_speaks_as_long_as_its_row_says(language: str):
    voice = VOICES.get(language)
    voice.check(TEXTS[language])

    speech, _ = worker.speak(TEXTS[language], voice.identifier, RATE)
    samples, sample_rate = sound.read_wav(speech)

    expected = voice.seconds(TEXTS[language], RATE)
    sound.check_message(samples, sample_rate, expected)
    assert 0.9 < len(samples) / sample_rate / expected < 1.1


@speaks
@pytest.mark.parametrize("language", VOICES.speaking)
def test_each_language_is_read_by_a_voice_of_that_language(language: str):
    same = {"kmr": "ku", "prs": "fa", "zh-Hans": "cmn", "sr-Latn": "sr"}

    tag = driver.library().voices[VOICES.get(language).identifier]

    assert tag.split("-")[0] == same.get(language, language)


@speaks
def test_sixty_texts_in_one_process_are_all_whole():
    broken = []
    for turn in range(60):
        language = list(TEXTS)[turn % len(TEXTS)]
        voice = VOICES.get(language)
        speech, _ = worker.speak(TEXTS[language], voice.identifier, RATE)
        samples, sample_rate = sound.read_wav(speech)
        ratio = len(samples) / sample_rate / voice.seconds(TEXTS[language], RATE)
        if not 0.9 < ratio < 1.1:
            broken.append((turn, language, ratio))

    assert broken == []


@speaks
def test_an_unknown_voice_raises_and_no_other_voice_speaks_instead():
    engine = engine_with("gmw/de")
    engine.setProperty("voice", "xx/nobody")
    file = io.BytesIO()
    engine.save_to_file("Bleiben Sie im Haus.", file)

    with pytest.raises(driver.SpeechError, match="no voice 'xx/nobody'"):
        engine.runAndWait()

    assert file.getvalue() == b""


@speaks
def test_after_an_error_the_engine_speaks_again():
    engine = engine_with("gmw/de")
    engine.setProperty("volume", "loud")
    with pytest.raises(ValueError, match="loud"):
        engine.runAndWait()

    file = io.BytesIO()
    engine.save_to_file("Bleiben Sie im Haus.", file)
    engine.runAndWait()

    assert seconds(file.getvalue()) > 1


@speaks
def test_two_queued_files_are_both_written(tmp_path: Path):
    engine = engine_with("gmw/de")
    engine.save_to_file("Starkregen in Dortmund.", str(tmp_path / "first.wav"))
    engine.save_to_file("Bleiben Sie im Haus.", str(tmp_path / "second.wav"))
    engine.runAndWait()

    assert seconds((tmp_path / "first.wav").read_bytes()) > 1
    assert seconds((tmp_path / "second.wav").read_bytes()) > 1


@speaks
def test_a_path_that_cannot_be_written_raises(tmp_path: Path):
    engine = engine_with("gmw/de")
    engine.save_to_file("Bleiben Sie im Haus.", str(tmp_path / "no folder" / "a.wav"))

    with pytest.raises(FileNotFoundError):
        engine.runAndWait()


@speaks
def test_a_text_with_a_nul_is_refused_because_it_would_be_cut_there():
    engine = engine_with("gmw/de")
    engine.save_to_file("Bleiben Sie im Haus.\0Rufen Sie an.", io.BytesIO())

    with pytest.raises(driver.SpeechError, match="NUL"):
        engine.runAndWait()


@speaks
def test_the_engine_tells_who_listens_when_it_began_and_ended():
    heard: list[object] = []
    engine = engine_with("gmw/de")
    tokens = [
        engine.connect("started-utterance", lambda name: heard.append("started")),
        engine.connect("finished-utterance", lambda name, completed: heard.append(completed)),
    ]
    engine.save_to_file("Bleiben Sie im Haus.", io.BytesIO())
    engine.runAndWait()
    for token in tokens:
        engine.disconnect(token)

    assert heard == ["started", True]


@speaks
def test_a_place_name_can_be_handed_to_the_german_voice():
    def spoken(text: str) -> float:
        file = io.BytesIO()
        engine = engine_with("sem/ti", ssml=True)
        engine.save_to_file(f"<speak>{text}</speak>", file)
        engine.runAndWait()
        return seconds(file.getvalue())

    # The Tigrinya voice spells Latin letters one by one; the German voice says the name.
    assert spoken('<voice xml:lang="de">Dortmund</voice>') < 0.6 * spoken("Dortmund")


@speaks
def test_signs_of_markup_in_a_text_are_spoken_not_obeyed():
    plain, _ = worker.speak("Wasser steigt", "gmw/de", RATE)
    marked, _ = worker.speak('Wasser <break time="9s"/> & steigt', "gmw/de", RATE)

    assert "&lt;break" in worker.to_ssml("<break/>")
    assert seconds(plain) < seconds(marked) < 9


@speaks
def test_there_is_a_pause_between_two_lines():
    one, _ = worker.speak("Bleiben Sie im Haus", "gmw/de", RATE)
    two, _ = worker.speak("Bleiben Sie im Haus\nBleiben Sie im Haus", "gmw/de", RATE)

    assert seconds(two) > 2 * seconds(one) + 0.2


@pytest.mark.parametrize("language", ["ps", "ckb", "so", "xx"])
def test_a_language_without_a_voice_is_refused_with_its_reason(language: str):
    with pytest.raises(Unsupported, match="no audio in this language"):
        VOICES.get(language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("kmr", "بارانا گران ل دۆرتموندێ"),
        ("ar", "Heavy rain. Stay at home."),
        ("de", "Сильный дождь"),
        ("hi", "شدید بارش"),
        ("zh-Hans", "Heavy rain"),
    ],
)
def test_a_text_in_a_script_the_voice_cannot_read_is_refused(language: str, text: str):
    with pytest.raises(Unsupported, match="written in another"):
        VOICES.get(language).check(text)


def test_latin_names_inside_another_script_are_allowed():
    VOICES.get("ar").check("أمطار غزيرة في Dortmund-Hörde")
    VOICES.get("uk").check("Сильний дощ: Dortmund-Hörde, Dortmund-Aplerbeck")
    VOICES.get("sr").check("Jaka kiša")


def test_a_text_without_words_is_refused():
    with pytest.raises(Unsupported, match="no words"):
        VOICES.get("de").check("112 ...\n")


def test_importing_the_channel_loads_nothing_heavy():
    code = (
        "import sys, channels.audio; "
        "print([m for m in ('numpy', 'pyttsx3', 'soundfile', 'lameenc', 'pyebur128', 'yaml',"
        " 'regex', 'espeakng_loader') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
