"""Starts and stops a PostgreSQL server."""

from __future__ import annotations

import csv
import io
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from tools.errors import ToolError
from tools.postgres import binaries
from tools.postgres.certificates import write_certificates
from tools.postgres.supervisor import credentials
from tools.postgres.supervisor import user as run_as

HOST = "localhost"
SUPERUSER = "postgres"
_START_SECONDS = 30
_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
ssl = on
ssl_cert_file = '{folder}/server.pem'
ssl_key_file = '{folder}/server.key'
ssl_min_protocol_version = 'TLSv1.2'
password_encryption = 'scram-sha-256'
timezone = 'UTC'
max_wal_size = '4GB'
"""
_ACCESS = "hostssl all all 127.0.0.1/32 scram-sha-256\n"


class PostgresServer:
    """A server that runs inside a `with` block.

    `user` owns `database` and has no other privileges; without `password` a random one is
    generated. `port` 0 selects a free port. The rows are in a temporary folder, which is removed
    with the server.
    """

    def __init__(
        self,
        *,
        user: str = "tap_master",
        password: str | None = None,
        database: str = "tap",
        port: int = 0,
    ) -> None:
        self.host = HOST
        self.port = port
        self.user = user
        self.password = password or secrets.token_urlsafe(24)
        self.database = database
        self._superuser_password = secrets.token_urlsafe(24)
        self._folder = Path()
        self._programs = Path()
        self._supervisor: subprocess.Popen[str] | None = None

    @property
    def ca_bundle(self) -> Path:
        """The file with the certificate of the CA that signed the server's certificate."""
        return self._folder / "ca.pem"

    @property
    def log(self) -> str:
        """The server's log so far."""
        return (self._folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def secret(self) -> dict[str, str | int]:
        """The value of a Secrets Manager secret for this database."""
        return {
            "engine": "postgres",
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "username": self.user,
            "password": self.password,
        }

    def start(self) -> None:
        """Start the server and wait for a connection; raises ToolError with its log on failure."""
        command = [str(self._programs / "bin" / "postgres"), "-D", str(self._folder / "data")]
        with (self._folder / "server.log").open("a") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, str(_SUPERVISOR), str(self._folder), *command],
                env=binaries.environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        until = time.monotonic() + _START_SECONDS
        while not self._accepts_connections():
            if self._supervisor.poll() is not None or time.monotonic() > until:
                tail = "\n".join(self.log.splitlines()[-10:])
                self.stop(crash=True)
                raise ToolError(
                    f"PostgreSQL: the server did not start; the end of its log:\n{tail}"
                )
            time.sleep(0.05)

    def stop(self, *, crash: bool = False) -> None:
        """Stop the server and keep its rows; with `crash` immediately, without a checkpoint."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            # The supervisor ends with a server that ends on its own.
            ended = supervisor.poll() is not None
            supervisor.communicate(None if ended else "crash" if crash else "stop")

    def query(self, statement: str, *, database: str | None = None) -> list[tuple[str, ...]]:
        """Run a statement as the superuser; returns its rows as text ('' for null).

        Raises ToolError if it fails.
        """
        done = self._psql("--csv", "--tuples-only", statement=statement, database=database)
        if done.returncode != 0:
            raise ToolError(f"psql: {done.stderr.strip()}")
        return [tuple(row) for row in csv.reader(io.StringIO(done.stdout))]

    def processes(self) -> list[int]:
        """The ids of the server's current backend and writer processes."""
        rows = self.query("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        return [int(pid) for (pid,) in rows]

    def table(self, statement: str) -> str:
        """The rows of a statement as an indented text table with column names."""
        done = self._psql("--pset", "footer=off", statement=statement, database=None)
        if done.returncode != 0:
            raise ToolError(f"psql: {done.stderr.strip()}")
        return "\n".join(f"  {line.rstrip()}" for line in done.stdout.rstrip().splitlines())

    def change_password(self, password: str) -> None:
        """Change the user's password; open connections remain open."""
        self.query(f"ALTER ROLE {_name(self.user)} PASSWORD {_text(password)}")
        self.password = password

    def disconnect(self) -> None:
        """Terminate all connections of the user, as a failover does."""
        user = _text(self.user)
        self.query(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {user}"  # noqa: S608
        )

    def _accepts_connections(self) -> bool:
        return self._psql(statement="SELECT 1", database="postgres").returncode == 0

    def _psql(
        self, *options: str, statement: str, database: str | None
    ) -> subprocess.CompletedProcess[str]:
        variables = {
            "PGHOST": self.host,
            "PGHOSTADDR": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": self._superuser_password,
            "PGDATABASE": database or self.database,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self.ca_bundle),
            "PGCONNECT_TIMEOUT": "5",
        }
        return subprocess.run(
            [
                *(self._programs / "bin" / "psql", "--no-psqlrc", "--quiet"),
                *("--set", "ON_ERROR_STOP=1", *options),
            ],
            env=binaries.environment() | variables,
            input=statement,
            capture_output=True,
            text=True,
            check=False,
        )

    def _prepare(self) -> None:
        """Create the database cluster, its certificates and its settings."""
        self._programs = binaries.installed()
        if run_as() is not None:
            self._own(self._folder)
            # That user may have no access to the folders above the repository.
            self._programs = binaries.copied(self._programs, self._folder / "programs")
        write_certificates(self._folder, self.host)
        self._own(self._folder / "server.key")
        password = self._folder / "password"
        password.touch(mode=0o600)
        password.write_text(self._superuser_password, encoding="ascii")
        self._own(password)
        self._program(
            *("initdb", "-D", self._folder / "data", "--username", SUPERUSER, "--pwfile", password),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync"),
        )
        password.unlink()
        self.port = self.port or _free_port()
        settings = _SETTINGS.format(folder=self._folder) + f"port = {self.port}\n"
        with (self._folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(settings)
        (self._folder / "data" / "pg_hba.conf").write_text(_ACCESS, encoding="utf-8")

    def _program(self, name: str, *arguments: Any) -> None:  # noqa: ANN401
        done = subprocess.run(
            [self._programs / "bin" / name, *arguments],
            cwd=self._folder,
            env=binaries.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **credentials(),
        )
        if done.returncode != 0:
            raise ToolError(f"PostgreSQL: {name} failed:\n{done.stdout}{done.stderr}")

    def _own(self, path: Path) -> None:
        if (name := run_as()) is not None:
            shutil.chown(path, name)

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="tap-postgres-"))
        try:
            self._folder.chmod(0o755)
            self._prepare()
            self.start()
            role, database = _name(self.user), _name(self.database)
            self.query(
                f"CREATE ROLE {role} LOGIN PASSWORD {_text(self.password)}", database="postgres"
            )
            self.query(f"CREATE DATABASE {database} OWNER {role}", database="postgres")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(crash=True)
        shutil.rmtree(self._folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
