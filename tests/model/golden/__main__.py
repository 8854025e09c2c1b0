"""Write the golden files again."""

from tests.model.golden import FOLDER, rendered

for name, text in rendered().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
