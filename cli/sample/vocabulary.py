"""The words of the sample: names, places, products. Changing any of them changes every sample.

Contacts can reach nobody: e-mail domains are RFC 2606's, telephone numbers are the ranges kept for fiction
(North America 555-0100 to 555-0199; Australia 5550 xxxx). Some values hold commas, quotes and accents, as real ones do.
"""

from __future__ import annotations

from typing import NamedTuple


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words("""
    Aaron Abigail Adam Aisha Alejandro Alice Amara Amelia Andrew Anika Ava Beatriz Ben Bianca Carlos Caroline Chen
    Chloé Daniel Diana Dmitri Elena Elijah Emily Emma Ethan Fatima Felix Grace Hannah Harper Hiroshi Ibrahim Isabel
    Ivy Jack Jamal James Jasmine Joanna John José Julia Kai Karim Kavya Kenji Layla Leah Leo Liam Lin Lucas Lucía
    Maeve Malik María Mateo Maya Mei Michael Mina Mohamed Nadia Nathan Nina Noah Nora Oliver Olivia Omar Owen
    Patricia Priya Quinn Rachel Ravi René Robert Rosa Ruth Ryan Samir Sara Sean Sofia Søren Tara Theo Thomas Uma
    Victor Violet William Ximena Yara Yusuf Zachary Zoë
""")
LAST_NAMES = _words("""
    Adams Ahmed Allen Anderson Bailey Baker Barnes Bennett Brooks Brown Campbell Carter Castillo Chang Chen Clark
    Cohen Cooper Cruz Davies Davis Delgado Díaz Edwards Evans Fischer Fitzgerald Flores Foster Garcia Gonzalez
    Graham Green Gupta Hall Harris Hassan Hernández Hill Hughes Hussain Jackson James Jensen Johnson Jones Kaur
    Kelly Khan Kim King Kowalski Kumar Lee Lewis Lopez MacDonald Martin Martinez Miller Mitchell Moore Morales
    Murphy Müller Nelson Nguyen Novak Núñez O'Brien O'Connor Okafor Ortiz Owens Park Parker Patel Perez Petrov
    Phillips Ramirez Reed Reyes Roberts Robinson Rodriguez Rossi Russell Sánchez Scott Sharma Silva Singh Smith
    Smith-Jones Stewart Sullivan Suzuki Tanaka Taylor Thomas Thompson Torres Tran Turner Walker Wang Watson White
    Williams Wilson Wood Wright Yamamoto Young Zhang
""")
EMAIL_DOMAINS = ("example.com", "example.org", "example.net")

SEGMENTS = ("Bronze", "Silver", "Gold", "Platinum")
SEGMENT_WEIGHTS = (40, 30, 20, 10)
STATUSES = ("completed", "pending", "cancelled")
STATUS_WEIGHTS = (1, 1, 1)
PAYMENT_METHODS = ("credit_card", "debit_card", "paypal", "apple_pay", "bank_transfer", "gift_card")
PAYMENT_WEIGHTS = (42, 24, 16, 9, 6, 3)
QUANTITY_WEIGHTS = (52, 25, 12, 7, 4)
"""Chances of the quantities 1 to 5."""

HOUR_WEIGHTS = (3, 2, 1, 1, 1, 2, 4, 7, 11, 14, 16, 17, 19, 18, 16, 15, 16, 18, 21, 24, 25, 20, 13, 7)
"""Orders by hour of the day, UTC."""
WEEKDAY_WEIGHTS = (18, 17, 17, 18, 21, 26, 24)
"""Orders by day of the week, from Monday."""
MONTH_WEIGHTS = (17, 16, 18, 18, 19, 18, 18, 18, 19, 20, 28, 32)
"""Orders by month, from January: the season before the holidays."""


class City(NamedTuple):
    """A place with the telephone prefix that fits it; `weight` is its share of customers."""

    country: str
    state: str
    city: str
    phone_prefix: str
    phone_digits: int
    weight: int


def _north_america(country: str, rows: str) -> list[City]:
    cells = (line.split("|") for line in rows.strip().splitlines())
    return [City(country, state, city, f"+1-{area}-555-01", 2, int(weight)) for state, city, area, weight in cells]


CITIES: tuple[City, ...] = (
    *_north_america(
        "United States",
        """New York|New York|212|84
New York|Buffalo|716|8
California|Los Angeles|213|60
California|San Francisco|415|24
California|San Diego|619|26
Texas|Houston|713|40
Texas|Austin|512|26
Texas|Dallas|214|30
Illinois|Chicago|312|42
Arizona|Phoenix|602|28
Pennsylvania|Philadelphia|215|26
Pennsylvania|Pittsburgh|412|8
Florida|Miami|305|24
Florida|Orlando|407|14
Washington|Seattle|206|24
Colorado|Denver|303|20
Massachusetts|Boston|617|22
Georgia|Atlanta|404|22
Oregon|Portland|503|14
North Carolina|Charlotte|704|16
Tennessee|Nashville|615|14
Minnesota|Minneapolis|612|12
Michigan|Detroit|313|12
District of Columbia|Washington, D.C.|202|14""",
    ),
    *_north_america(
        "Canada",
        """Ontario|Toronto|416|36
Ontario|Ottawa|613|10
Quebec|Montréal|514|24
Quebec|Québec|418|6
British Columbia|Vancouver|604|18
Alberta|Calgary|403|14
Manitoba|Winnipeg|204|6
Nova Scotia|Halifax|902|4""",
    ),
    City("Australia", "New South Wales", "Sydney", "+61-2-5550-", 4, 26),
    City("Australia", "Victoria", "Melbourne", "+61-3-5550-", 4, 25),
    City("Australia", "Queensland", "Brisbane", "+61-7-5550-", 4, 12),
    City("Australia", "Western Australia", "Perth", "+61-8-5550-", 4, 10),
    City("Australia", "South Australia", "Adelaide", "+61-8-5550-", 4, 6),
)


class Category(NamedTuple):
    """A range of goods: what they are called, who makes them, and their prices in cents."""

    name: str
    cheapest: int
    dearest: int
    suppliers: tuple[str, ...]
    qualities: tuple[str, ...]
    things: tuple[str, ...]


def _category(name: str, cheapest: int, dearest: int, suppliers: str, qualities: str, things: str) -> Category:
    return Category(
        name,
        cheapest,
        dearest,
        tuple(suppliers.split("|")),
        tuple(qualities.split("|")),
        tuple(things.split("|")),
    )


CATEGORIES: tuple[Category, ...] = (
    _category(
        "Electronics", 1_500, 149_900, "Northwind Devices|Volta Labs, Inc.|Kestrel Audio",
        "Compact|Pro|Wireless|Smart|4K",
        'Headphones|27" Monitor|Keyboard|Speaker|Tablet|Camera|Router|Charger',
    ),
    _category(
        "Home & Kitchen", 800, 39_900, "Hearth & Co.|Oakline|Casa Lumière", "Stainless|Classic|Foldable|Ceramic|Oak",
        "Kettle|Pan, 28 cm|Lamp|Chair|Knife Set|Blender|Shelf|Mug",
    ),
    _category(
        "Clothing", 900, 18_900, "Loom Works|Fjord Apparel|Meridian Mills", "Cotton|Merino|Slim|Relaxed|Waterproof",
        "T-Shirt|Jacket|Jeans|Sweater|Socks, 3 pairs|Dress|Scarf|Cap",
    ),
    _category(
        "Sports", 700, 79_900, "Summit Gear|Pace Athletics|Rapid River", "Lightweight|Trail|Junior|Carbon|All-Weather",
        "Backpack|Running Shoes|Yoga Mat|Tent|Bicycle Helmet|Dumbbells|Racket|Water Bottle",
    ),
    _category(
        "Books", 499, 5_900, "Papermill Press|Lantern House|Quarto Sons", "Illustrated|Pocket|Annotated|New|Collected",
        "Cookbook|Atlas|Novel|Biography|Field Guide|Poems|Thriller|History",
    ),
    _category(
        "Beauty", 399, 12_900, "Alder & Rose|Clearwater Labs|Sœur", "Gentle|Daily|Repair|Organic|Mineral",
        "Shampoo|Face Cream|Sunscreen|Perfume|Lip Balm|Soap|Serum|Hand Cream",
    ),
    _category(
        "Toys", 500, 14_900, "Tinker Toys Ltd.|Bluebird Games|Kit & Caboodle", "Wooden|Magnetic|Musical|Mini|Deluxe",
        "Puzzle|Train Set|Building Blocks|Board Game|Plush Bear|Kite|Robot|Dollhouse",
    ),
    _category(
        "Grocery", 199, 4_900, "Green Valley Foods|Harbor Coffee|Solis Farms", "Fair-Trade|Whole|Roasted|Organic|Dark",
        'Coffee Beans|Olive Oil|Chocolate|Pasta|Honey|Tea|Almonds|"Sunday" Jam',
    ),
)  # fmt: skip
