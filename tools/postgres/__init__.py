"""A real PostgreSQL 16 on this machine, spoken to over TLS only, as Aurora is.

    with PostgresServer(password="secret") as server:
        server.secret()               # engine, host, port, dbname, username, password
        server.ca_bundle              # path: the CA that signed the server's certificate
        server.query("SELECT 1")      # [("1",)], as the superuser, by psql
        server.stop(); server.start() # the same port and rows
        server.stop(crash=True)       # open connections are cut, nothing is written down
        server.change_password("new") # rotation; open connections stay

The user of the secret owns the database and is no superuser. The host is ``localhost``: the name
in the certificate, and an address without DNS. Everything ends with the process that started it.
"""

from tools.postgres.server import PostgresServer

__all__ = ["PostgresServer"]
