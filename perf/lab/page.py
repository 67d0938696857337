"""The page."""
def render(document, scenarios):
    return ""
