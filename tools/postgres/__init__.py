"""A PostgreSQL 16 server on this machine that accepts only TLS connections, as Aurora does.

    with PostgresServer(password="secret") as server:
        server.secret()               # engine, host, port, dbname, username, password
        server.ca_bundle              # path: the CA that signed the server's certificate
        server.query("SELECT 1")      # [("1",)], as the superuser, by psql
        server.stop(); server.start() # the same port and rows
        server.stop(crash=True)       # connections are closed without a checkpoint
        server.change_password("new") # rotation; open connections remain

The user of the secret owns the database and is not a superuser. The host is ``localhost``, the name
in the certificate, which resolves without DNS. The server ends with the process that started it.
"""

from tools.postgres.server import PostgresServer

__all__ = ["PostgresServer"]
