"""Route tables under measurement: the same routes in the words of each server, and requests."""


class One:
    """One route for everything."""

    def frys(self, _count):
        """The gateway's routes."""
        return frys_route("/*")


class Mixed:
    """Routes over a hundred hosts: of ten one is a regular expression, four have parameters, three
    are prefixes and two are literal. The requests meet those of one host, ten kinds each."""

    hosts_count = 100
    kinds = [
        ("path_regex", "^/service{n}/v[0-9]+/report-([a-z]+)$", "/service{n}/v2/report-monthly"),
        ("path", "/service{n}/users/{{id}}", "/service{n}/users/4711"),
        ("path", "/service{n}/users/{{id}}/items/{{item}}", "/service{n}/users/4711/items/42"),
        ("path", "/service{n}/v{{version}}/orders/{{order}}", "/service{n}/v3/orders/a-17"),
        ("path", "/service{n}/files/{{name}}.json", "/service{n}/files/index.json"),
        ("path", "/service{n}/*", "/service{n}/some/where/below"),
        ("path", "/service{n}/static/*", "/service{n}/static/css/site.css"),
        ("path", "/service{n}/api/v1/*", "/service{n}/api/v1/status"),
        ("path", "/service{n}/health", "/service{n}/health"),
        ("path", "/service{n}/about/company", "/service{n}/about/company"),
    ]

    def frys(self, count):
        """So many routes of the gateway, and one more for what waits until it is up."""
        if count == 1:
            return One().frys(1)
        routes = []
        for number in range(count):
            host, place = number % self.hosts_count, number // self.hosts_count
            key, pattern, _ = self.kinds[place % len(self.kinds)]
            pattern = pattern.format(n=place // len(self.kinds))
            routes.append(frys_route(pattern, key, f"h{host}.example.com"))
        return "\n".join([*routes, frys_route("/small")])

    def paths(self):
        """Requests that meet the routes of h0.example.com that a thousand routes have too."""
        return [path.format(n=0) for _, _, path in self.kinds]


class Regexes:
    """Routes that are regular expressions, each of a service of its own, as nginx's
    documentation and Kong's writers have them. The requests meet all of a thousand."""

    count = 1000
    pattern = "^/service-{n}/users/([0-9]+)/orders/([a-z0-9-]+)$"
    path = "/service-{n}/users/{n}/orders/a-17"

    def frys(self, count):
        """The gateway's routes."""
        patterns = (self.pattern.format(n=number) for number in range(count))
        routes = [frys_route(pattern, "path_regex") for pattern in patterns]
        return "\n".join([*routes, frys_route("/small")])

    def nginx(self, count):
        """nginx's locations."""
        patterns = (self.pattern.format(n=number) for number in range(count))
        return "\n".join(f'location ~ "{pattern}" {{ proxy_pass http://lab; }}'
                         for pattern in patterns)

    def paths(self):
        """One request a route."""
        return [self.path.format(n=number) for number in range(self.count)]


TABLES = {"routes": Mixed(), "regexes": Regexes()}


def frys_route(pattern, key="path", host=None):
    """One route to the lab's cluster. A regular expression has no quote in it."""
    line = f"host = '{host}'\n" if host else ""
    return f"[[routes]]\n{line}{key} = '{pattern}'\ncluster = 'lab'\n"
