"""What Metabase's API takes, route by route: unknown keys and wrong types are refused, as Metabase does.

Read in Metabase's public source: the `defendpoint` schemas of setup_rest, session, warehouses_rest, collections_rest,
queries_rest/api/card and dashboards_rest, of parameters/schema and lib/schema/template_tag (maps that are open there
are closed here).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

VERSION = "v0.60.2"
"""Whose schemas these are: read them again before another release is taken."""

type Words = Annotated[str, Field(min_length=1, pattern=r"\S")]
type Id = Annotated[int, Field(ge=1)]
type NanoId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{21}$")]
type ParameterType = Literal["date/single", "date/all-options", "string/=", "number/=", "category", "id"]
type Target = tuple[Literal["variable"], tuple[Literal["template-tag"], Words]]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class User(Body):
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    password: Annotated[str, Field(min_length=6, pattern=r"\d")]  # Metabase's default complexity
    first_name: Words | None = None
    last_name: Words | None = None


class Prefs(Body):
    site_name: Words
    site_locale: Words | None = None
    allow_tracking: bool | str | None = None


class Setup(Body):
    token: Words
    user: User
    prefs: Prefs


class Session(Body):
    username: Words
    password: Words


class Setting(Body):
    value: bool


class Details(Body):
    """Of the driver for PostgreSQL."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    host: Words
    port: int
    dbname: Words
    user: Words
    password: str
    ssl: bool
    tunnel_enabled: Annotated[bool, Field(alias="tunnel-enabled")]
    schema_filters_type: Annotated[Literal["all", "inclusion", "exclusion"], Field(alias="schema-filters-type")]
    schema_filters_patterns: Annotated[str, Field(alias="schema-filters-patterns")]


class Database(Body):
    name: Words
    engine: Literal["postgres"]
    details: Details
    is_full_sync: bool | None = True
    auto_run_queries: bool | None = None
    cache_ttl: Id | None = None


class DatabaseUpdate(Body):
    name: Words | None = None
    details: Details | None = None
    description: str | None = None


class Collection(Body):
    name: Words
    description: Words | None = None
    parent_id: Id | None = None
    namespace: Words | None = None
    authority_level: None = None  # asks for a paid plan


class TemplateTag(Body):
    id: Words
    name: Words
    display_name: Annotated[Words, Field(alias="display-name")]
    type: Literal["text", "number", "date", "boolean"]
    required: bool | None = None
    default: Any = None


class Native(Body):
    query: Words
    template_tags: Annotated[dict[str, TemplateTag], Field(alias="template-tags")]

    @model_validator(mode="after")
    def _keys_are_names(self) -> "Native":
        if any(key != tag.name for key, tag in self.template_tags.items()):
            raise ValueError("keys in template tag map must match the :name of their values")
        return self


class NativeQuery(Body):
    database: Id
    type: Literal["native"]
    native: Native


class ValuesSource(Body):
    card_id: Id | None = None
    value_field: tuple[Literal["field"], str | int, dict[str, str] | None] | None = None
    label_field: tuple[Literal["field"], str | int, dict[str, str] | None] | None = None
    values: list[Any] | None = None


class Parameter(Body):
    id: Words
    type: ParameterType
    name: str | None = None
    slug: str | None = None
    sectionId: Words | None = None  # noqa: N815 (Metabase's name)
    target: Target | None = None
    default: Any = None
    filteringParameters: list[Words] | None = None  # noqa: N815
    values_query_type: Literal["none", "list", "search"] | None = None
    values_source_type: Literal["card", "static-list"] | None = None
    values_source_config: ValuesSource | None = None


class ParameterMapping(Body):
    parameter_id: Words
    target: Target
    card_id: Id | None = None


class Size(Body):
    size_x: Id
    size_y: Id


class CardUpdate(Body):
    name: Words | None = None
    description: str | None = None
    display: Words | None = None
    type: Literal["question", "model", "metric"] | None = None
    dataset_query: NativeQuery | None = None
    parameters: list[Parameter] | None = None
    parameter_mappings: list[ParameterMapping] | None = None
    visualization_settings: dict[str, Any] | None = None
    archived: bool | None = None
    enable_embedding: bool | None = None
    collection_id: Id | None = None
    collection_position: Id | None = None
    cache_ttl: Id | None = None


class Card(Body):
    name: Words
    display: Words
    dataset_query: NativeQuery
    visualization_settings: dict[str, Any]
    description: Words | None = None
    type: Literal["question", "model", "metric"] | None = None
    entity_id: NanoId | None = None
    parameters: list[Parameter] | None = None
    parameter_mappings: list[ParameterMapping] | None = None
    collection_id: Id | None = None
    collection_position: Id | None = None
    cache_ttl: Id | None = None
    dashboard_id: Id | None = None
    size: Size | None = None


class CardQuery(Body):
    ignore_cache: bool = False
    collection_preview: bool | None = None
    dashboard_id: Id | None = None
    parameters: list[dict[str, Any]] | None = None


class Dashboard(Body):
    """POST takes no cards."""

    name: Words
    description: str | None = None
    parameters: list[Parameter] | None = None
    cache_ttl: Id | None = None
    collection_id: Id | None = None
    collection_position: Id | None = None


class Series(Body):
    id: Id


class Dashcard(Body):
    id: int
    size_x: Id
    size_y: Id
    row: Annotated[int, Field(ge=0)]
    col: Annotated[int, Field(ge=0)]
    card_id: Id | None = None
    action_id: Id | None = None
    dashboard_tab_id: int | None = None
    parameter_mappings: list[ParameterMapping] | None = None
    visualization_settings: dict[str, Any] | None = None
    inline_parameters: list[Words] | None = None
    series: list[Series] | None = None


class DashboardTab(Body):
    id: int
    name: Words
    position: Annotated[int, Field(ge=0)] | None = None


class DashboardUpdate(Body):
    name: Words | None = None
    description: str | None = None
    parameters: list[Parameter] | None = None
    width: Literal["fixed", "full"] = "fixed"
    archived: bool | None = None
    auto_apply_filters: bool | None = None
    collection_id: Id | None = None
    collection_position: Id | None = None
    cache_ttl: Id | None = None
    dashcards: list[Dashcard] | None = None
    tabs: list[DashboardTab] | None = None

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "DashboardUpdate":
        for each in (self.dashcards, self.tabs):
            ids = [one.id for one in each or ()]
            if len(ids) != len(set(ids)):
                raise ValueError("values must be maps with unique ids")
        return self


class Empty(Body):
    pass
