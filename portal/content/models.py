"""Tables of the pages: one tree, languages are fields of the same page, a missing one falls back to Japanese."""

# mypy: disable-error-code="var-annotated"
# Wagtail has no types: to mypy these classes are no models, and it cannot infer what their fields hold.

from datetime import date, datetime, time
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import CommentPanel, FieldPanel, MultiFieldPanel, ObjectList, TabbedInterface
from wagtail.fields import StreamField
from wagtail.models import Page
from wagtail.search.index import AutocompleteField

from core.region_time import region_moment
from core.texts import pick
from identity.sessions import person
from portal.alerts.alert_words import faults
from portal.content import page_views
from portal.content.editing.blocks import BodyBlock, ZonesBlock
from portal.content.editing.date_fields import SchedulePanel
from portal.content.editing.fields import AudienceField, DistrictsField, TopicsField
from portal.content.editing.fixed_pages import FixedPageTester, reserved
from portal.content.editing.framing import framed
from portal.content.editing.page_form import AlertPageForm, DraftCopyForm, RegionPageForm
from portal.content.pages import event_rules, search

GUEST_CACHING = "public, max-age=0, s-maxage=5"
GUEST = "guest"


class GonePage(models.Model):
    """An address that once led to a page: why it no longer does, or the page that took its place."""

    path = models.CharField(_("アドレス"), max_length=255, unique=True, editable=False)
    title = models.CharField(_("題名"), max_length=255, editable=False)
    explanation = models.TextField(_("なくなった理由"), max_length=500, blank=True)
    explanation_simple = models.TextField(_("なくなった理由(やさしい日本語)"), max_length=500, blank=True)
    explanation_en = models.TextField(_("なくなった理由(英語)"), max_length=500, blank=True)
    target = models.ForeignKey(
        Page,
        verbose_name=_("代わりのページ"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    gone_at = models.DateTimeField(_("下げた日"), auto_now_add=True)

    class Meta:
        verbose_name = _("下げたページ")
        verbose_name_plural = _("下げたページ")
        ordering: ClassVar[list[str]] = ["-gone_at"]

    def __str__(self) -> str:
        return self.path

    @property
    def local_explanation(self) -> str:
        own = {"en": self.explanation_en, "ja-simple": self.explanation_simple}.get(get_language() or "ja")
        return own or self.explanation

    @property
    def lang_attribute(self) -> str:
        """Where the explanation falls back to Japanese on an English page."""
        return format_html(' lang="ja"') if get_language() == "en" and not self.explanation_en else ""


class LocalisedPage(Page):
    """Titles in three languages; whoever reads gets the own language or Japanese."""

    title_en = models.CharField(_("題名(英語)"), max_length=255, blank=True)
    title_simple = models.CharField(_("題名(やさしい日本語)"), max_length=255, blank=True)

    settings_panels: ClassVar[list[Any]] = [SchedulePanel()]
    search_fields: ClassVar[list[Any]] = [*Page.search_fields, AutocompleteField("title_endings")]
    # A page closed by a password would take passwords on the portal's host, past the regional ID.
    private_page_options: ClassVar[list[str]] = []

    class Meta:
        abstract = True

    @cached_property
    def _restrictions(self) -> Any:
        return super().get_view_restrictions()

    def get_view_restrictions(self) -> Any:
        """One query, although our hook and Wagtail's own check both ask."""
        return self._restrictions

    def title_endings(self) -> str:
        """For the index: so that a word is found wherever in a title it stands."""
        return search.endings(self.title, self.draft_title, self.title_en, self.title_simple)

    def texts(self, field: str) -> dict[str, Any]:
        """The field in every language that has it, keyed by locale."""
        found = {
            "ja": getattr(self, field),
            "en": getattr(self, f"{field}_en", ""),
            "ja-simple": getattr(self, f"{field}_simple", ""),
        }
        return {locale: value for locale, value in found.items() if value or locale == "ja"}

    def localised(self, field: str) -> Any:
        """The field in the language of this request, or in Japanese."""
        texts = self.texts(field)
        return texts.get(get_language() or "ja", texts["ja"])

    @property
    def local_title(self) -> str:
        return str(self.localised("title"))

    def lang_of(self, field: str) -> str:
        """The language that `localised(field)` is really in, for the `lang` attribute."""
        return "en" if get_language() == "en" and "en" in self.texts(field) else "ja"


class RegionPage(LocalisedPage):
    """What news, events, alerts and services have in common."""

    summary = models.TextField(_("要約"), max_length=500, blank=True)
    summary_en = models.TextField(_("要約(英語)"), max_length=500, blank=True)
    summary_simple = models.TextField(_("要約(やさしい日本語)"), max_length=500, blank=True)
    body = StreamField(BodyBlock(), blank=True, verbose_name=_("本文"))
    body_en = StreamField(BodyBlock(), blank=True, verbose_name=_("本文(英語)"))
    body_simple = StreamField(BodyBlock(), blank=True, verbose_name=_("本文(やさしい日本語)"))
    audience = AudienceField(
        _("対象"),
        default=dict,
        blank=True,
        help_text=_("選ばなければ全員に届きます。項目どうしは「かつ」、項目の中は「または」です。"),
    )
    topics = TopicsField(_("テーマ"), default=list, blank=True)
    districts = DistrictsField(
        _("関係する地区"), default=list, blank=True, help_text=_("全市のことなら選びません。")
    )
    department = models.CharField(_("担当"), max_length=100, blank=True)
    sample = models.BooleanField(
        _("見本"), default=False, help_text=_("見本として作った文であることを示します。")
    )

    base_form_class = RegionPageForm
    kind: ClassVar[str] = ""
    details: ClassVar[list[Any]] = []
    subpage_types: ClassVar[list[str]] = []
    parent_page_types: ClassVar[list[str]] = ["content.IndexPage"]
    preview_modes: ClassVar[Any] = [
        ("ja", _("日本語")),
        ("en", _("英語")),
        ("ja-simple", _("やさしい日本語")),
    ]

    class Meta:
        abstract = True

    @classmethod
    def own_fields(cls) -> list[str]:
        """What belongs to this one page and goes into no other: fields that no editor sees, such as an import's key."""
        return [
            field.name for field in cls._meta.local_fields if not field.editable and not field.is_relation
        ]

    def with_content_json(self, content: dict[str, Any]) -> Any:
        """A revision, or the page that this one mirrors, brings the words; the page keeps what is its own."""
        made = super().with_content_json(content)
        for name in self.own_fields():
            setattr(made, name, getattr(self, name))
        return made

    def save(self, *args: Any, **kwargs: Any) -> Any:
        if self.alias_of_id:
            for name in self.own_fields():
                setattr(self, name, self._meta.get_field(name).get_default())
        return super().save(*args, **kwargs)

    @classmethod
    def can_create_at(cls, parent: Page) -> bool:
        """News stands below the news, alerts below the alerts: an editor is offered nothing else there."""
        return bool(super().can_create_at(parent)) and parent.specific.lists == cls.kind

    def route(self, request: HttpRequest, path_components: list[str]) -> Any:
        """A page that has ended is gone at once, before the sweep that unpublishes it."""
        if self.expire_at and self.expire_at <= timezone.now():
            raise Http404
        return super().route(request, path_components)

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As Wagtail does it; a page with somebody's card or name in it is kept by no cache."""
        response: HttpResponse = super().serve(request, *args, **kwargs)
        signed_in = person.signed_in(request)
        response.headers["Cache-Control"] = "private, no-store" if signed_in else GUEST_CACHING
        patch_vary_headers(response, ("Cookie",))
        return response

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        with translation.override(mode_name or "ja"):
            response: HttpResponse = super().serve_preview(request, mode_name)
            if hasattr(response, "render"):
                response.render()
        return framed(response)

    @property
    def local_summary(self) -> str:
        return str(self.localised("summary"))

    @property
    def local_body(self) -> Any:
        return self.localised("body")


class Persona(models.Model):
    """A made-up person for previews and dry runs: attributes as a resident would set them, by key."""

    key = models.SlugField(
        _("短い名前"),
        max_length=32,
        unique=True,
        help_text=_("小文字の英数字で、ほかの架空の人と違うもの。あとから変えません。"),
    )
    name = models.CharField(_("呼び名"), max_length=60)
    name_simple = models.CharField(_("呼び名(やさしい日本語)"), max_length=60, blank=True)
    name_en = models.CharField(_("呼び名(英語)"), max_length=60, blank=True)
    attributes = models.JSONField(_("属性"), default=dict, blank=True)
    order = models.PositiveSmallIntegerField(_("並ぶ順"), default=100)

    class Meta:
        verbose_name = _("架空の人")
        verbose_name_plural = _("架空の人")
        ordering: ClassVar[list[str]] = ["order", "pk"]

    def __str__(self) -> str:
        return pick(
            {"ja": self.name, "en": self.name_en, "ja-simple": self.name_simple}, get_language() or "ja"
        )


class NewsPage(RegionPage):
    """News of the city."""

    kind = "news"
    template = "content/news_page.html"

    class Meta:
        verbose_name = _("お知らせ")
        verbose_name_plural = _("お知らせ")


class ServicePage(RegionPage):
    """A procedure or a service of the city, with where to go."""

    action_url = models.URLField(_("手続きのページ"), blank=True)
    action_label = models.CharField(_("ボタンの文"), max_length=60, blank=True)
    action_label_en = models.CharField(_("ボタンの文(英語)"), max_length=60, blank=True)
    action_label_simple = models.CharField(_("ボタンの文(やさしい日本語)"), max_length=60, blank=True)

    kind = "service"
    template = "content/service_page.html"
    details: ClassVar[list[Any]] = [
        FieldPanel("action_url"),
        FieldPanel("action_label"),
        FieldPanel("action_label_en"),
        FieldPanel("action_label_simple"),
    ]

    @property
    def local_action_label(self) -> str:
        return str(self.localised("action_label"))

    class Meta:
        verbose_name = _("手続き・サービス")
        verbose_name_plural = _("手続き・サービス")


class EventPage(RegionPage):
    """Something that takes place at a time and a place; written here or imported from an open list."""

    starts_on = models.DateField(_("開始日"))
    ends_on = models.DateField(_("終了日"))
    starts_time = models.TimeField(_("開始時間"), null=True, blank=True)
    ends_time = models.TimeField(_("終了時間"), null=True, blank=True)
    time_note = models.CharField(_("日時の特記事項"), max_length=255, blank=True)
    place_name = models.CharField(_("場所"), max_length=255, blank=True)
    address = models.CharField(_("住所"), max_length=255, blank=True)
    latitude = models.FloatField(
        _("緯度"), null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)]
    )
    longitude = models.FloatField(
        _("経度"), null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)]
    )
    fee = models.CharField(_("料金"), max_length=255, blank=True)
    organiser = models.CharField(_("主催者"), max_length=255, blank=True)
    contact = models.CharField(_("連絡先"), max_length=255, blank=True)
    target_note = models.CharField(_("対象者(元データの記載)"), max_length=100, blank=True)
    event_url = models.URLField(_("元のページ"), max_length=500, blank=True)
    source = models.CharField(_("データの提供元"), max_length=100, blank=True)
    licence = models.CharField(_("利用条件"), max_length=100, blank=True)
    source_url = models.URLField(_("データのページ"), max_length=500, blank=True)
    attribution = models.CharField(_("出典の表示"), max_length=255, blank=True)
    repeated = models.BooleanField(default=False, editable=False)

    kind = "event"
    template = "content/event_page.html"
    details: ClassVar[list[Any]] = [
        FieldPanel("starts_on"),
        FieldPanel("ends_on"),
        FieldPanel("starts_time"),
        FieldPanel("ends_time"),
        FieldPanel("time_note"),
        FieldPanel("place_name"),
        FieldPanel("address"),
        FieldPanel("latitude"),
        FieldPanel("longitude"),
        FieldPanel("fee"),
        FieldPanel("organiser"),
        FieldPanel("contact"),
        FieldPanel("event_url"),
        FieldPanel("attribution"),
        FieldPanel("source_url"),
    ]

    class Meta:
        verbose_name = _("イベント")
        verbose_name_plural = _("イベント")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")), name="event_ends_after_start"
            ),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["ends_on"], name="event_by_end")]

    @property
    def starts_at(self) -> datetime:
        return moment(self.starts_on, self.starts_time or time.min)

    @property
    def ends_at(self) -> datetime:
        return event_end(self.ends_on, self.ends_time)

    def clean(self) -> None:
        super().clean()
        broken = self.broken_rules()
        if broken:
            raise ValidationError({refusal.field: _(refusal.sentence) for refusal in broken})

    def broken_rules(self) -> list[event_rules.Refusal]:
        """The rules of days and hours that do not hold; the import asks this too."""
        return event_rules.refusals(self.starts_on, self.ends_on, self.starts_time, self.ends_time)


class ListedEvent(models.Model):
    """An event as a publisher's list has it, and the page that was made of it.

    No column of the page: a copy, an alias or an old revision of the page is not the list's.
    """

    page = models.OneToOneField(EventPage, null=True, on_delete=models.SET_NULL, related_name="listed")
    """None when an editor has deleted the page: the list does not bring it back."""
    publisher = models.CharField(max_length=64)
    dataset = models.CharField(max_length=64)
    number = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=64, unique=True)
    values = models.JSONField(default=dict)
    """What the list said last, by field of the page: where the page says something else, an editor did."""
    digest = models.CharField(max_length=64, blank=True)
    """Of an import that kept no values; empty as soon as there are some."""
    gone_at = models.DateTimeField(null=True)
    """When it left the list."""
    taken_down = models.BooleanField(default=False)
    """Whether leaving took the page down; only then does coming back publish it again."""

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["publisher", "dataset"], name="listed_by_dataset")
        ]

    def __str__(self) -> str:
        return f"{self.publisher}/{self.dataset} {self.number}"


class AlertPage(RegionPage):
    """A warning or an order to leave; also written as a static file when it is published."""

    class Kind(models.TextChoices):
        EVACUATION = "evacuation", _("避難情報")
        FLOOD = "flood", _("洪水")
        RAIN = "rain", _("大雨")
        LANDSLIDE = "landslide", _("土砂災害")
        STORM_SURGE = "storm_surge", _("高潮")
        TSUNAMI = "tsunami", _("津波")
        EARTHQUAKE = "earthquake", _("地震")
        WIND = "wind", _("暴風")
        HEAT = "heat", _("熱中症")
        LIFELINE = "lifeline", _("断水・停電・交通")
        OTHER = "other", _("その他")

    level = models.PositiveSmallIntegerField(
        _("警戒レベル"),
        validators=[MinValueValidator(1), MaxValueValidator(5)],
        help_text=_("警戒レベルのない種類では、並び順だけに使います（大きいほど上）。"),
    )
    alert_kind = models.CharField(pgettext_lazy("sort", "種類"), max_length=20, choices=Kind.choices)
    whole_city = models.BooleanField(
        _("市内全域"), default=False, help_text=_("地区を選ばないときは、ここに印を付けます。")
    )
    urgent = models.BooleanField(_("緊急"), default=False)
    valid_until = models.DateTimeField(_("有効期限"), null=True, blank=True)
    what_to_do = models.TextField(_("とるべき行動"), blank=True)
    what_to_do_en = models.TextField(_("とるべき行動(英語)"), blank=True)
    what_to_do_simple = models.TextField(_("とるべき行動(やさしい日本語)"), blank=True)

    base_form_class = AlertPageForm
    copy_form_class = DraftCopyForm
    kind = "alert"
    template = "content/alert_page.html"
    details: ClassVar[list[Any]] = [
        FieldPanel("alert_kind"),
        FieldPanel("level"),
        FieldPanel("whole_city"),
        FieldPanel("districts"),
        FieldPanel("urgent"),
        FieldPanel("valid_until"),
        FieldPanel("what_to_do"),
        FieldPanel("what_to_do_en"),
        FieldPanel("what_to_do_simple"),
    ]

    class Meta:
        verbose_name = _("緊急のお知らせ")
        verbose_name_plural = _("緊急のお知らせ")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=models.Q(level__gte=1, level__lte=5), name="alert_level_1_to_5"),
        ]

    @property
    def local_what_to_do(self) -> str:
        return str(self.localised("what_to_do"))

    def clean(self) -> None:
        """Whatever publishes it, an alert that lacks a part does not go out; a draft may lack what it will."""
        super().clean()
        if self.live:
            self.refuse_incomplete()

    def copy(self, *args: Any, **kwargs: Any) -> Any:
        """A copy is a draft: nothing is announced twice because somebody copied a page."""
        return super().copy(*args, **{**kwargs, "keep_live": False})

    def refuse_incomplete(self) -> None:
        """Raises ValidationError, each fault at its field."""
        from django.core.exceptions import ValidationError

        if found := faults(self, timezone.now()):
            raise ValidationError(found)

    def route(self, request: HttpRequest, path_components: list[str]) -> Any:
        if self.valid_until and self.valid_until <= timezone.now():
            raise Http404
        return super().route(request, path_components)


class FixedPage(LocalisedPage):
    """A page that the portal cannot do without: it is edited, and never taken away."""

    fixed: ClassVar[bool] = True
    settings_panels: ClassVar[list[Any]] = [CommentPanel()]  # no schedule: it would end

    class Meta:
        abstract = True

    def permissions_for_user(self, user: Any) -> FixedPageTester:
        return FixedPageTester(user, self)

    def clean(self) -> None:
        from django.core.exceptions import ValidationError

        super().clean()
        if self.expire_at or self.go_live_at:
            raise ValidationError(_("トップページと一覧に、公開の期間は付けられません。"))


class IndexPage(FixedPage):
    """Lists the pages below it: all news, all events and so on, newest or nearest first."""

    class Lists(models.TextChoices):
        NEWS = "news", _("お知らせ")
        EVENT = "event", _("イベント")
        ALERT = "alert", _("緊急のお知らせ")
        SERVICE = "service", _("手続き・サービス")

    lists = models.CharField(_("一覧にするもの"), max_length=10, choices=Lists.choices)
    intro = models.TextField(_("はじめの文"), blank=True)
    intro_en = models.TextField(_("はじめの文(英語)"), blank=True)
    intro_simple = models.TextField(_("はじめの文(やさしい日本語)"), blank=True)

    template = "content/index_page.html"
    parent_page_types: ClassVar[list[str]] = ["content.HomePage"]
    subpage_types: ClassVar[list[str]] = [
        "content.NewsPage",
        "content.EventPage",
        "content.AlertPage",
        "content.ServicePage",
    ]
    content_panels: ClassVar[list[Any]] = [
        *Page.content_panels,
        FieldPanel("title_en"),
        FieldPanel("title_simple"),
        FieldPanel("lists"),
        FieldPanel("intro"),
        FieldPanel("intro_en"),
        FieldPanel("intro_simple"),
    ]

    class Meta:
        verbose_name = _("一覧")
        verbose_name_plural = _("一覧")

    def clean(self) -> None:
        """One list of each kind, on which its pages and the program depend; and an address that is free."""
        from django.core.exceptions import ValidationError

        super().clean()
        before = (
            IndexPage.objects.filter(pk=self.pk).values_list("lists", flat=True).first() if self.pk else None
        )
        if before is not None and before != self.lists:
            raise ValidationError({"lists": _("一覧の種類は変えられません。")})
        same = IndexPage.objects.filter(lists=self.lists, locale=self.locale_id)
        if same.exclude(pk=self.pk).exists():
            raise ValidationError({"lists": _("この種類の一覧は、すでにあります。1つだけ置けます。")})
        if self.slug in reserved():
            raise ValidationError({"slug": _("このアドレスは、窓口のプログラムが使っています。")})

    @property
    def local_intro(self) -> str:
        return str(self.localised("intro"))

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        return {
            **context,
            **page_views.registered().list_context(self.lists, request.GET.get("page", "1"), timezone.now()),
        }


class HomePage(FixedPage):
    """The root: zones of the home and the gadgets that everybody starts with."""

    zones = StreamField(ZonesBlock(), blank=True, verbose_name=_("区画"))

    max_count = 1
    parent_page_types: ClassVar[list[str]] = ["wagtailcore.Page"]
    subpage_types: ClassVar[list[str]] = ["content.IndexPage"]
    content_panels: ClassVar[list[Any]] = [
        *Page.content_panels,
        FieldPanel("title_en"),
        FieldPanel("title_simple"),
        FieldPanel("zones"),
    ]

    class Meta:
        verbose_name = _("トップページ")
        verbose_name_plural = _("トップページ")

    @property
    def preview_modes(self) -> list[tuple[str, str]]:
        """A guest, and each persona."""
        return [
            (GUEST, gettext("ゲスト")),
            *((persona.key, str(persona)) for persona in Persona.objects.all()),
        ]

    def serve(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """The same home as at `/`, whichever way it was asked for."""
        return page_views.registered().home(request)

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        """The home of a made-up person with the zones as they are being edited; no resident is read."""
        return page_views.registered().preview_home(self, request, mode_name)


def moment(day: date, clock: time) -> datetime:
    """A day and a clock time of the region as an aware time."""
    return region_moment(day, clock)


def event_end(ends_on: date, ends_time: time | None) -> datetime:
    """When an event is over: its end time, or the last minute of its last day."""
    return moment(ends_on, event_rules.end_clock(ends_time))


def _editor(page_class: type[RegionPage]) -> TabbedInterface:
    main = [
        FieldPanel("title"),
        FieldPanel("summary"),
        *(
            [MultiFieldPanel(page_class.details, heading=str(page_class._meta.verbose_name))]
            if page_class.details
            else []
        ),
        FieldPanel("body"),
        FieldPanel("department"),
        FieldPanel("sample"),
    ]
    people = [FieldPanel("audience"), FieldPanel("topics")]
    if page_class is not AlertPage:  # there it stands beside kind and level
        people.append(FieldPanel("districts"))
    simple = [FieldPanel(f"{name}_simple") for name in ("title", "summary", "body")]
    english = [FieldPanel(f"{name}_en") for name in ("title", "summary", "body")]
    return TabbedInterface(
        [
            ObjectList(main, heading=_("日本語")),
            ObjectList(simple, heading=_("やさしい日本語")),
            ObjectList(english, heading=_("英語")),
            ObjectList(people, heading=_("対象とテーマ")),
            ObjectList([*Page.promote_panels, SchedulePanel(), CommentPanel()], heading=_("公開")),
        ]
    )


for _page_class in (NewsPage, ServicePage, EventPage, AlertPage):
    _page_class.edit_handler = _editor(_page_class)
    _page_class.exclude_fields_in_copy = _page_class.own_fields()
