"""The API without its audit trail, which the product does not have: to measure what the trail costs."""

from functions.api.app import create_app
from functions.api.security.audit import Audited
from functions.api.settings import ApiSettings

app = create_app(ApiSettings.from_environment())
app.user_middleware = [each for each in app.user_middleware if str(each.cls) != str(Audited)]
