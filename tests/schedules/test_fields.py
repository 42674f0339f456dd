"""What people type into our forms, and what becomes of it."""

import datetime as dt
from uuid import UUID, uuid4

import pytest
from django import forms
from django.template import engines
from django.utils.translation import override

from schedules.forms.base import CleanForm, OneLineField
from schedules.forms.fields import DayChoiceField, DayPartsField, DoseChoiceField
from schedules.templatetags.tracker import error_summary

TODAY = dt.date(2026, 3, 10)


class VisitForm(CleanForm):
    given_on = DayChoiceField(subject="The date given")
    dose_mg = DoseChoiceField(offered_mg=(600, 300))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, today=TODAY, **kwargs)
        self.fields["dose_mg"].expect(600)


class PersonForm(CleanForm):
    name = OneLineField(label="Name", max_length=40)
    born_on = DayPartsField(subject="The date of birth")
    email = forms.EmailField(required=False)
    note = forms.CharField(required=False, widget=forms.Textarea)
    zone = forms.ChoiceField(label="Zone", choices=[("a", "A")], required=False)
    agreed = forms.BooleanField(label="I agree", required=False)


def person(**answers):
    born = {"born_on_month": "3", "born_on_day": "27", "born_on_year": "1982"}
    return PersonForm({"entry_key": str(uuid4()), "name": "Rosa", **born, **answers}, today=TODAY)


def born(month, day, year):
    return person(born_on_month=month, born_on_day=day, born_on_year=year)


def visit(**answers):
    routine = {"given_on_choice": "today", "dose_mg_choice": "600"}
    return VisitForm({"entry_key": str(uuid4()), **routine, **answers})


def given(month, day, year, choice="other"):
    return visit(
        given_on_choice=choice,
        given_on_month=month,
        given_on_day=day,
        given_on_year=year,
    )


def cleaned(form, name):
    assert form.is_valid(), form.errors
    return form.cleaned_data[name]


def html(form):
    page = "{% load crispy_forms_tags %}{{ form|crispy }}"
    return engines["django"].from_string(page).render({"form": form})


class TestDateInThreeBoxes:
    @pytest.mark.parametrize(
        "month", ["3", "03", " 3 ", "Mar", "march", "MARCH", "Mar.", "March,", "marc"]
    )
    def test_takes_a_month_as_number_or_name(self, month):
        form = born(month, "27", "1982")
        assert form.is_valid(), form.errors
        assert form.cleaned_data["born_on"] == dt.date(1982, 3, 27)

    @pytest.mark.parametrize(
        ("boxes", "words"),
        [
            (("", "27", "1982"), "The date of birth must include a month"),
            (("3", "", ""), "The date of birth must include a day and a year"),
            (("13", "27", "1982"), "Month must be a real month, like 3 or March"),
            (("ma", "27", "1982"), "Month must be a real month, like 3 or March"),
            (("Marzipan", "27", "1982"), "Month must be a real month, like 3 or March"),
            (("3", "0", "1982"), "Day must be a number from 1 to 31"),
            (("3", "27th", "1982"), "Day must be a number from 1 to 31"),
            (("3", "27", "82"), "Year must have 4 numbers, like 2026"),
            (("3", "27", "1066"), "Year must have 4 numbers, like 2026"),
            (("3", "²", "1982"), "Day must be a number from 1 to 31"),
            (("2", "31", "1982"), "The date of birth must be a real date"),
            (("2", "29", "2025"), "The date of birth must be a real date"),
            (("3", "11", "2026"), "The date of birth must be today or in the past"),
            (("3", "9" * 100_000, "1982"), "Day must be a number from 1 to 31"),
            (("\x00", "27", "1982"), "Month must be a real month, like 3 or March"),
        ],
    )
    def test_says_in_one_sentence_what_to_put_right(self, boxes, words):
        assert born(*boxes).errors["born_on"] == [words]

    def test_takes_today(self):
        assert born("3", "10", "2026").is_valid()

    def test_says_so_when_nothing_was_typed(self):
        assert born("", " ", "").errors["born_on"] == ["Fill in “Born on”"]

    def test_may_be_left_out_when_optional(self):
        field = DayPartsField(subject="The date", required=False)
        assert field.clean(["", "", ""]) is None

    def test_refuses_a_day_before_today_where_a_coming_one_is_wanted(self):
        field = DayPartsField(subject="The visit", limit="future")
        field.set_today(TODAY)
        with pytest.raises(forms.ValidationError, match="The visit must be today or in the future"):
            field.clean(["3", "9", "2026"])

    def test_takes_any_day_without_a_limit(self):
        field = DayPartsField(subject="The date", limit="any")
        assert field.clean(["3", "11", "2099"]) == dt.date(2099, 3, 11)

    def test_needs_to_know_the_day_to_hold_a_limit(self):
        with pytest.raises(TypeError, match="needs today"):
            DayPartsField(subject="The date").clean(["3", "9", "2026"])

    def test_reads_months_in_the_readers_language_and_in_english(self):
        with override("es"):
            assert born("enero", "2", "1982").is_valid()
            assert born("January", "2", "1982").is_valid()

    def test_marks_only_the_wrong_box_and_links_to_it(self):
        form = born("3", "77", "1982")
        assert html(form).count('aria-invalid="true"') == 1
        assert 'href="#id_born_on_1"' in error_summary(form)

    def test_keeps_what_was_typed(self):
        assert 'value="Febtober"' in html(born("Febtober", "31", "1982"))

    def test_shows_a_known_date_in_its_boxes(self):
        page = html(PersonForm(initial={"born_on": dt.date(1982, 3, 27)}, today=TODAY))
        assert all(f'value="{part}"' in page for part in ("3", "27", "1982"))


class TestDayChoice:
    @pytest.mark.parametrize(
        ("choice", "day"), [("today", TODAY), ("yesterday", dt.date(2026, 3, 9))]
    )
    def test_knows_today_and_yesterday(self, choice, day):
        assert cleaned(visit(given_on_choice=choice), "given_on") == day

    def test_takes_another_date(self):
        assert cleaned(given("Feb", "28", "2026"), "given_on") == dt.date(2026, 2, 28)

    def test_takes_a_typed_date_although_no_button_was_chosen(self):
        assert cleaned(given("Feb", "28", "2026", choice=""), "given_on") == dt.date(2026, 2, 28)

    def test_asks_when_the_button_and_the_boxes_differ(self):
        errors = given("2", "28", "2026", choice="today").errors
        assert "two answers" in errors["given_on"][0]

    def test_accepts_boxes_that_agree_with_the_button(self):
        assert cleaned(given("3", "10", "2026", choice="today"), "given_on") == TODAY

    def test_refuses_tomorrow(self):
        errors = given("3", "11", "2026").errors
        assert errors["given_on"] == ["The date given must be today or in the past"]

    @pytest.mark.parametrize("choice", ["", "someday", "x" * 100_000])
    def test_asks_for_a_choice(self, choice):
        form = visit(given_on_choice=choice)
        assert form.errors["given_on"] == ["Fill in “Given on”"]
        assert 'href="#id_given_on_0_0"' in error_summary(form)

    def test_leads_to_the_first_wrong_box(self):
        assert 'href="#id_given_on_2"' in error_summary(given("2", "99", "2026"))

    @pytest.mark.parametrize(
        ("day", "chosen"),
        [(TODAY, "today"), (dt.date(2026, 3, 9), "yesterday"), (dt.date(2026, 2, 1), "other")],
    )
    def test_shows_what_is_set_beforehand(self, day, chosen):
        page = html(VisitForm(initial={"given_on": day}))
        assert f'value="{chosen}" id="id_given_on_0' in page
        assert page.count("checked") == 1

    def test_names_the_days(self):
        page = html(VisitForm())
        assert "Today, March 10" in page
        assert "Yesterday, March 9" in page


class TestDoseChoice:
    def test_puts_the_expected_dose_first(self):
        page = html(VisitForm())
        assert page.index("600 mg (expected)") < page.index("300 mg") < page.index("Other")

    def test_offers_an_expected_dose_that_is_not_among_the_usual_ones(self):
        form = visit(dose_mg_choice="920")
        form.fields["dose_mg"].expect(920)
        assert cleaned(form, "dose_mg") == 920

    @pytest.mark.parametrize("typed", ["450", " 450 mg", "450MG", "450."])
    def test_takes_a_typed_amount(self, typed):
        assert cleaned(visit(dose_mg_choice="other", dose_mg_mg=typed), "dose_mg") == 450

    def test_takes_a_comma_between_thousands(self):
        assert cleaned(visit(dose_mg_choice="other", dose_mg_mg="1,000"), "dose_mg") == 1000

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ("", "Enter how much was given, in mg"),
            ("0", "The amount must be from 1 to 2000 mg"),
            ("10000", "The amount must be from 1 to 2000 mg"),
            ("9" * 100_000, "The amount must be from 1 to 2000 mg"),
            ("4,5", "The amount must be a whole number of mg, like 450"),
            ("-300", "The amount must be a whole number of mg, like 450"),
            ("three hundred", "The amount must be a whole number of mg, like 450"),
            ("3\x0000", "The amount must be a whole number of mg, like 450"),
        ],
    )
    def test_says_what_is_wrong_with_an_amount(self, typed, words):
        form = visit(dose_mg_choice="other", dose_mg_mg=typed)
        assert form.errors["dose_mg"] == [words]
        assert 'href="#id_dose_mg_1"' in error_summary(form)

    def test_asks_when_the_button_and_the_amount_differ(self):
        errors = visit(dose_mg_choice="600", dose_mg_mg="300").errors
        assert errors["dose_mg"] == ["Choose “Other” to use the amount you typed, or empty it"]

    def test_asks_for_a_choice(self):
        assert visit(dose_mg_choice="").errors["dose_mg"] == ["Choose a dose"]

    @pytest.mark.parametrize("dose", [600, 450])
    def test_shows_what_is_set_beforehand(self, dose):
        page = html(VisitForm(initial={"dose_mg": dose}))
        assert f'value="{dose}"' in page
        assert page.count("checked") == 1


class TestText:
    @pytest.mark.parametrize("mark", ["\x00", "\x07", "\x7f", "\u202e", "\u2066", "\ud800"])
    @pytest.mark.parametrize("name", ["name", "note"])
    def test_refuses_characters_that_cannot_be_seen(self, name, mark):
        errors = person(**{name: f"Ro{mark}sa"}).errors
        assert errors[name] == ["Take out the characters that cannot be shown"]

    @pytest.mark.parametrize("mark", ["\n", "\r\n", "\t", "\u2028"])
    def test_keeps_one_line_on_one_line(self, mark):
        assert person(name=f"Ro{mark}sa").errors["name"] == ["Write this on one line"]

    def test_lets_a_note_have_lines(self):
        assert cleaned(person(note="One.\r\nTwo."), "note") == "One.\r\nTwo."

    @pytest.mark.parametrize("name", ["name", "note", "email", "zone"])
    def test_answers_a_flood_with_an_error(self, name):
        assert name in person(**{name: "x" * 100_000}).errors

    def test_refuses_an_address_with_a_line_break(self):
        assert "email" in person(email="a@example.org\nBcc: b@example.org").errors

    def test_strips_and_composes(self):
        assert cleaned(person(name="  Jose\u0301 "), "name") == "Jos\u00e9"

    def test_takes_emoji(self):
        assert person(name="🙂👩‍🦽").is_valid()

    def test_does_not_echo_an_unknown_choice(self):
        assert person(zone="<b>").errors["zone"] == ["Choose one of the answers"]

    @pytest.mark.parametrize(
        ("field", "words"),
        [
            (forms.CharField(label="Name"), "Fill in “Name”"),
            (forms.ChoiceField(label="Zone"), "Choose an answer for “Zone”"),
            (forms.BooleanField(label="I agree"), "Tick “I agree”"),
            (forms.CharField(error_messages={"required": "Enter a name"}), "Enter a name"),
        ],
    )
    def test_asks_in_words_for_what_is_missing(self, field, words):
        form = type("OneForm", (CleanForm,), {"answer": field})({})
        assert form.errors["answer"] == [words]


class TestEntryKey:
    def test_is_new_for_every_blank_form(self):
        assert PersonForm()["entry_key"].value() != PersonForm()["entry_key"].value()

    def test_stays_while_the_form_is_shown_again(self):
        form = person(name="")
        assert str(form.data["entry_key"]) in html(form)

    def test_is_known_when_all_is_well(self):
        form = person()
        assert cleaned(form, "entry_key") == UUID(form.data["entry_key"])

    @pytest.mark.parametrize("key", ["", "not-a-key", "x" * 100_000])
    def test_is_asked_for_and_made_anew(self, key):
        form = person(entry_key=key)
        assert "open for a long time" in error_summary(form)
        assert UUID(form["entry_key"].value())


class TestAnatomy:
    def test_reads_label_hint_error_field(self):
        form = type(
            "HintForm", (CleanForm,), {"lot": OneLineField(label="Lot", help_text="On the vial")}
        )({})
        page = html(form)
        places = [page.index(part) for part in ("</label>", "On the vial", "Fill in", 'name="lot"')]
        assert places == sorted(places)
        assert 'aria-describedby="id_lot_helptext id_lot_error"' in page

    def test_speaks_the_word_error_before_each_error(self):
        assert '<span class="visually-hidden">Error:</span> Fill in “Name”' in html(person(name=""))

    def test_marks_what_is_optional_and_stars_nothing(self):
        page = html(PersonForm())
        assert page.count("(optional)") == 3
        assert "*" not in page

    def test_marks_nothing_whose_label_says_when(self):
        assert html(type("PlainForm", (PersonForm,), {"unmarked": {"email"}})()).count("(opt") == 2

    def test_lets_no_browser_interrupt(self):
        assert " required" not in html(PersonForm())

    def test_groups_choices_under_a_legend(self):
        form = type(
            "RadioForm",
            (CleanForm,),
            {"way": forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect)},
        )({})
        page = html(form)
        assert '<fieldset aria-describedby="id_way_error">' in page
        assert '<legend class="form-label">Way' in page
        assert 'href="#id_way_0"' in error_summary(form)

    def test_writes_no_form_tag_of_its_own(self):
        page = "{% load crispy_forms_tags %}{% crispy form %}"
        written = engines["django"].from_string(page).render({"form": PersonForm()})
        assert "<form" not in written
        assert 'name="entry_key"' in written

    def test_summary_is_empty_when_all_is_well(self):
        assert error_summary(person(), PersonForm(), "") == ""

    def test_summary_follows_the_page_whatever_was_checked_first(self):
        form = person(name="", born_on_month="13")
        form.errors["name"] = form.errors.pop("name")
        summary = error_summary(form)
        assert summary.index('href="#id_name"') < summary.index('href="#id_born_on')

    def test_summary_escapes(self):
        form = person()
        form.add_error(None, "<script>")
        assert "&lt;script&gt;" in error_summary(form)
