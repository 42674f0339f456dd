"""How the mails read, what they must not tell, and that each is whole in both languages."""

import ast
import datetime as dt
import io
import re
import warnings
from gettext import GNUTranslations
from pathlib import Path
from typing import BinaryIO

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.template import engines
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

from ocrevus_tracker.accounts.models import Clinic
from reminders import skeletons
from reminders.models import Kind, Level
from schedules.templatetags.tracker import clock, long_date

from .letters import INVITES, TO_STAFF, Sample, Words, by_kind, clinic, letter

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for its own version in a way that is going away
    from textstat.textstat import textstatistics

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parent.parent.parent
LOCALE = ROOT / "reminders" / "locale" / "es" / "LC_MESSAGES"
MAILS = ROOT / "templates" / "emails"
TELLING = re.compile(
    r"\b(ocrevus|ocrelizumab|briumvi|ublituximab|zunovo|infusi[oó]n\w*|ms|em|multiple|m[uú]ltiple"
    r"|sclerosis|esclerosis|neuro\w*|dose\w*|dosis|drug\w*|f[aá]rmaco\w*|treatment|tratamiento"
    r"|therapy|terapia|patient\w*|paciente\w*|illness|enfermedad|infection|infecci[oó]n|mg)\b",
    re.IGNORECASE,
)
BLAMING = re.compile(
    r"overdue|no-show|non-compliant|fail|suffer|missed|forgot|culpa|falt[óo]\b|olvid|incumpl|sufr",
    re.IGNORECASE,
)
DATES = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|\b(?:lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo)\b"
    r"|\b20\d\d\b|\bMarch\b|\bmarzo\b|\bApril\b|\babril\b",
    re.IGNORECASE,
)


def outside(made) -> str:
    """All that can be seen without opening a mail."""
    headers = [f"{name}: {value}" for name, value in made.headers.items() if name != "Date"]
    return " ".join([made.subject, made.sender, Words(made.html).preview, *headers])


class TestHowItReads:
    """A score is a floor: people who read the mails are the test."""

    def words(self, sample: Sample) -> str:
        """The sentences above the foot, without names, dates, addresses and numbers."""
        text = letter(sample).text.split("\n--\n")[0]
        text = re.sub(r"^.*https?://\S*$", "", text, flags=re.MULTILINE)
        text = re.sub(r"\(555\) 010-0142|12 Shore Road, Harbor|\d+:\d\d [ap]\.m\.", "us", text)
        text = re.sub(r"(\w+day, )?[A-Z]\w+ \d+, 20\d\d|\w+, \d+ de \w+ de 20\d\d", "May 5", text)
        text = re.sub(r"(Dear|Hola,) \w+[,:]", "", text)
        # A line without a full stop ends all the same.
        return "\n\n".join(f"{one.strip().rstrip('.')}." for one in re.split(r"\n\n+", text) if one)

    @by_kind()
    def test_in_sentences_of_twenty_words_at_most(self, samples):
        for sample in samples:
            text = self.words(sample)
            sentences = re.split(r"[.?!:]\s", text)
            assert [one for one in sentences if len(one.split()) > 20] == []

    @by_kind(language="en")
    def test_a_child_of_twelve_can_read_the_english(self, samples):
        for sample in samples:
            stats = textstatistics()
            stats.set_lang("en_US")
            text = self.words(sample)
            assert stats.flesch_kincaid_grade(text) <= 6
            assert stats.smog_index(text) <= 8

    @by_kind(language="es")
    def test_the_spanish_is_easy_too(self, samples):
        for sample in samples:
            stats = textstatistics()
            stats.set_lang("es")
            text = self.words(sample)
            # "Fácil" begins at 80 by Fernández-Huerta; by Szigriszt-Pazos "bastante fácil" at 66.
            assert stats.fernandez_huerta(text) >= 80
            assert stats.szigriszt_pazos(text) >= 66

    @by_kind()
    def test_no_word_blames(self, samples):
        for sample in samples:
            made = letter(sample)
            assert not BLAMING.search(made.subject + made.text)

    @by_kind()
    def test_no_sentence_ends_twice(self, samples):
        for sample in samples:
            made = letter(sample)
            assert ".." not in made.text + re.sub(r"<[^>]+>", "", made.html)


class TestWhatItMustNotTell:
    @by_kind()
    def test_from_the_outside(self, samples, settings):
        for sample in samples:
            settings.SITE_URL = "https://visits.example.org"
            made = letter(
                sample, given_name="Zebulon", helper_name="Zacharias", email="z@example.org"
            )
            seen = outside(made)
            assert not TELLING.search(seen.replace("-patient.", "."))  # the link's own word, below
            for name in ("Zebulon", "Zacharias", "Harbor"):
                assert name not in seen

    @by_kind()
    def test_a_date_in_the_subject_but_where_it_helps_to_book(self, samples):
        for sample in samples:
            dated = DATES.search(outside(letter(sample)))
            asks = sample.kind in {Kind.BOOK_2, Kind.BOOK_3} and sample.level != Level.MESSAGE_ONLY
            assert bool(dated) == asks

    @by_kind()
    def test_what_the_visit_is_for_unless_the_patient_asked_for_that(self, samples):
        for sample in samples:
            made = letter(sample)
            if sample.level != Level.PLAIN:
                assert not TELLING.search(re.sub(r"https?://\S+", "", made.text))
                assert not TELLING.search(
                    re.sub(r"https?://\S+", "", Words(made.html).words["body"])
                )

    @by_kind(level=Level.MESSAGE_ONLY)
    def test_anything_where_only_a_message_may_be_told(self, samples):
        for sample in samples:
            if sample.kind in INVITES:
                continue  # has a text of its own at every level
            made = letter(sample)
            assert not DATES.search(made.text)
            assert "Harbor" not in made.text + made.html
            other = Sample(Kind.BOOK_1, sample.language, sample.level, sample.to_helper)
            assert made.subject == letter(other).subject
            hidden = re.sub(r"https?://\S+", "", made.text)
            assert hidden == re.sub(r"https?://\S+", "", letter(other).text)


@pytest.mark.parametrize("language", ["en", "es"])
def test_in_plain_words_it_says_what_the_visit_is(language):
    words = {"en": ("infusion", "or think you have an infection"),
             "es": ("infusión", "o cree que tiene una infección")}[language]  # fmt: skip
    for kind in Kind:
        if kind in {*INVITES, *TO_STAFF}:
            continue
        text = letter(Sample(kind, language, Level.PLAIN)).text
        assert words[0] in text or kind == Kind.DATE_MOVED
        unwell = kind in {Kind.PREPARE, Kind.DAY_BEFORE, Kind.RECORDED}
        assert (words[1] in text.lower()) == unwell


class TestSpanish:
    @by_kind(language="es")
    def test_no_english_is_left_in_it(self, samples):
        for sample in samples:
            made = letter(sample, clinic=_spanish_clinic())
            seen = f"{made.subject} {made.text} {Words(made.html).words['body']}"
            seen = re.sub(r"https?://\S+|Clinic Visits", "", seen)
            english = r"\b(the|you|your|is|visit|call|of|to|and|we|clinic|date|email)\b"
            assert not re.search(english, seen, re.IGNORECASE)
            assert '<html lang="es">' in made.html

    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            (Kind.BOOK_1, "Le toca alrededor del lunes, 11 de mayo de 2026."),
            (Kind.DAY_BEFORE, "Su visita es mañana: martes, 17 de marzo de 2026, 9:00 a.m."),
            (Kind.OVERDUE_2, "Ya pasaron 5 semanas de la fecha."),
            (Kind.RECORDED, "Le escribiremos en mayo, cuando sea hora de hacer la cita."),
        ],
    )
    def test_dates_and_numbers_are_said_as_people_say_them(self, kind, words):
        assert words in " ".join(letter(Sample(kind, "es")).text.split())

    def test_one_week_and_one_day_are_single(self):
        made = letter(Sample(Kind.OVERDUE_2, "es"), due_on=dt.date(2026, 3, 4))
        assert "Ya pasó 1 semana de la fecha." in made.text

    def test_the_tags_of_pages_say_it_too(self):
        with skeletons.translation.override("es"):
            assert long_date(dt.date(2026, 3, 10)) == "martes, 10 de marzo de 2026"
            assert clock(dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)) == "12:00 del mediodía"
            assert clock(dt.datetime(2026, 3, 10, 13, 5, tzinfo=dt.UTC)) == "1:05 p.m."


def _spanish_clinic() -> Clinic:
    return clinic(name="Puerto", hours="8 a.m. a 5 p.m.", address="Calle 12")


class TestTheCatalogue:
    @pytest.fixture
    def catalogue(self):
        with (LOCALE / "django.po").open("rb") as file:
            return read_po(file, locale="es")

    def test_every_words_of_the_mails_are_in_it(self, catalogue):
        wanted = {message for path in MAILS.iterdir() for message in _messages(path)}
        wanted |= {message for path in _modules() for message in _calls(path)}
        assert len(wanted) > 80
        missing = {one for one in wanted if not (found := catalogue.get(*one)) or not found.string}
        assert missing == _ENGLISH_ONLY

    def test_nothing_in_it_is_unsure_or_half_done(self, catalogue):
        for message in catalogue:
            assert not message.fuzzy or not message.id
            assert all(message.string if message.pluralizable else [message.string])

    def test_the_blanks_to_be_filled_are_the_same(self, catalogue):
        blank = re.compile(r"%\((\w+)\)s")
        for message in catalogue:
            if message.id:
                ids = message.id if message.pluralizable else (message.id,)
                strings = message.string if message.pluralizable else (message.string,)
                assert {*blank.findall(ids[-1])} == {*blank.findall(strings[-1])}

    def test_the_compiled_one_is_up_to_date(self, catalogue):
        fresh = io.BytesIO()
        write_mo(fresh, catalogue)
        fresh.seek(0)
        with (LOCALE / "django.mo").open("rb") as file:
            assert _strings(file) == _strings(fresh)


def _strings(file: BinaryIO) -> dict[object, str]:
    """All of a compiled catalogue but its head, which names the compiler."""
    return {key: text for key, text in GNUTranslations(file)._catalog.items() if key}


# The staff's pages and their digest are in English.
_ENGLISH_ONLY = {
    ("Today's list: %(visits)s visit, %(late)s late, %(check)s to check", None),
}


def _modules() -> list[Path]:
    mail = [ROOT / "reminders" / f"{name}.py" for name in ("skeletons", "emails", "digests")]
    return [*mail, ROOT / "reminders" / "templatetags" / "mail.py"]


def _messages(path: Path) -> set[tuple[str, str | None]]:
    """The messages of a template, as its own nodes look them up."""
    template = engines["django"].from_string(path.read_text()).template
    found = set()
    for node in template.nodelist.get_nodes_by_type(TranslateNode):
        found.add((str(node.filter_expression.var.literal), None))
    for node in template.nodelist.get_nodes_by_type(BlockTranslateNode):
        singular, _blanks = node.render_token_list(node.singular)
        found.add((singular, None))
    return found


def _calls(path: Path) -> set[tuple[str, str | None]]:
    """The messages of a module, read from its calls of gettext and its like."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and "gettext" in ast.unparse(node.func):
            texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
            if texts:
                context = texts[0] if "pgettext" in ast.unparse(node.func) else None
                found.add((texts[-1], context))
    return found
