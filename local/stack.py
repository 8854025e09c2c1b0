"""The whole platform on this machine: PostgreSQL, Kafka, LocalStack, the deployed app, its API and event source."""

from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from infra.outputs import Outputs, api_key, outputs_of, stack_outputs
from local import processes
from local.deployment import aws, deploy
from local.deployment.access_key import SHARED, AccessKey
from local.errors import LocalError, PortTakenError, StackNotRunningError
from local.lock import exclusive
from local.parts import Parts, Progress, Server, choose_ports
from local.paths import Paths
from local.servers.api_server import role_database_url
from local.servers.confined import landlock_version
from local.servers.database import AdminDatabase, another_version_explained
from local.servers.localstack import LocalStack
from local.servers.postgres import DATABASE, PostgresServer
from local.state import Deployed, Part, StackOptions, State, Status
from local.status import disk_part, look, of_another_version

_PORT_ATTEMPTS = 5

__all__ = ["EmbeddedStack", "Part", "StackOptions", "Status"]


class EmbeddedStack:
    """The stack of one state folder. `up` starts or heals it, `down` stops it and keeps its data."""

    def __init__(self, paths: Paths, options: StackOptions) -> None:
        self.paths = paths
        self.options = options

    def up(self, progress: Progress) -> Outputs:
        """Make everything run and be deployed; what runs and is up to date already is left alone.

        `progress` gets short lines. Raises `LocalError`: one line saying what is in the way and what to do.
        """
        with self.paths.private(), exclusive(self.paths.lock_file, progress):
            for _ in range(_PORT_ATTEMPTS - 1):
                try:
                    return self._up(progress)
                except PortTakenError as error:  # since it was chosen, as by another stack that starts
                    progress(f"{error} Taking the next one.")
            return self._up(progress)

    def _up(self, progress: Progress) -> Outputs:
        state = self._load(progress)
        if self.options.private is not None:
            state.private = self.options.private
        if self.options.engine is not None:
            state.engine = self.options.engine
        choose_ports(self.paths, self.options, state)
        parts = self._parts(state)
        existing = self.options.database_url
        database_context = AdminDatabase(existing).context() if existing else _own_address(parts.postgres)
        kafka_context = {"stream_bootstrap_servers": parts.broker.bootstrap_servers}
        engine_context = {} if state.engine == "postgresql" else {"engine": state.engine}
        if engine_context and not parts.spark.is_installed():
            raise LocalError("Spark is not installed on this machine: install it with c360 engine install.")
        app = self._app(parts.localstack, database_context | kafka_context | engine_context)
        app.stop_leftovers()
        with ThreadPoolExecutor(1) as pool:
            synthesized = pool.submit(app.synth, progress)  # meanwhile the servers start
            database = self._start_database(state, parts.postgres, progress)
            self._start_localstack(state, parts.localstack, database, progress)
            if state.deployed is None:
                self._bootstrap(state, app, parts, progress)
            broker_died = parts.broker.died()
            if parts.broker.process() is None:
                progress(f"starting Kafka on port {parts.broker.port}")
                if not landlock_version():
                    progress("this system has no Landlock, so the development broker can read what its account can")
                parts.broker.start()
            inputs = synthesized.result()
        deployed = self._deploy(state, app, inputs, parts, database, progress)
        self._start_api(state, parts, deployed, progress)
        self._start_event_source(state, parts, deployed, progress, from_start=broker_died)
        self._start_spark(state, parts, deployed, progress)
        return deployed.outputs

    def down(self, progress: Progress) -> None:
        """Stop every process of the stack. Data of the own PostgreSQL stays; LocalStack keeps nothing."""
        with self.paths.private(), exclusive(self.paths.lock_file, progress):
            state = State.load(self.paths.stack_file) or State()
            parts = self._parts(state)
            self._app(parts.localstack, {}).stop_leftovers()
            parts.stop(progress)
            if state.deployed is not None:
                state.deployed = None
                state.save(self.paths.stack_file)

    def outputs(self) -> Outputs:
        """Addresses and names of the running stack. Raises `StackNotRunningError`."""
        state = State.load(self.paths.stack_file)
        if state is None or state.deployed is None or state.deployed.localstack != _life(self._parts(state).localstack):
            raise StackNotRunningError("The platform is not running on this machine; start it with c360 up.")
        return state.deployed.outputs

    def access_key(self) -> AccessKey:
        """What callers sign with for this stack's LocalStack."""
        return self._parts(State.load(self.paths.stack_file)).localstack.key

    def status(self) -> Status:
        """Look at every part now. Never changes anything."""
        state = State.load(self.paths.stack_file)
        parts, disk = self._parts(state), disk_part(self.paths.state)
        if state is None and self.paths.stack_file.exists():
            return of_another_version(parts, disk)
        state = state or State()
        current = state.deployed is not None and state.deployed.localstack == _life(parts.localstack)
        return look(parts, state, disk, deployment_is_current=current)

    def process(self, part: str) -> processes.ProcessIdentity | None:
        """The process of a part: postgres, localstack, api, broker, event_source or spark."""
        server: Server = getattr(self._parts(State.load(self.paths.stack_file)), part)
        return server.process()

    def _load(self, progress: Progress) -> State:
        state = State.load(self.paths.stack_file)
        if state is not None:
            return state
        state = State()
        if self.paths.stack_file.exists():
            progress("the stack's state is from another version; starting again, the data is kept")
        self._parts(state).stop(progress)
        return state

    def _parts(self, state: State | None) -> Parts:
        return Parts.of(self.paths, self.options, state or State())

    def _app(self, localstack: LocalStack, database_context: dict[str, str]) -> deploy.CdkApp:
        options = self.options
        context = {
            "target": "localstack",
            "endpoint_url": localstack.url,
            "database_secret": aws.ADMIN_SECRET,
            "schedule": "enabled" if options.schedule_enabled else "disabled",
            "on_arrival": "enabled" if options.on_arrival else "disabled",
            "lake": "enabled" if options.lake else "disabled",
            "api_key": "enabled" if options.api_key or localstack.key != SHARED else "disabled",
            **({"alert_email": options.alert_email} if options.alert_email else {}),
            **database_context,
        }
        paths = self.paths
        return deploy.CdkApp(paths.cdk_out, paths.cdk_home, paths.logs / "cdk.log", context, localstack.key)

    def _start_database(self, state: State, postgres: PostgresServer, progress: Progress) -> AdminDatabase:
        state.database_url = self.options.database_url
        state.save(self.paths.stack_file)
        if self.options.database_url:
            postgres.stop()
            database = AdminDatabase(self.options.database_url)
        else:
            if postgres.process() is None:
                progress(f"starting PostgreSQL on port {state.ports['postgres'].used}")
                postgres.start()
            database = AdminDatabase(postgres.url)
        database.check()
        return database

    def _start_localstack(
        self, state: State, localstack: LocalStack, database: AdminDatabase, progress: Progress
    ) -> None:
        same_database = state.deployed is None or state.deployed.database == database.fingerprint
        # What LocalStack's rollback leaves behind cannot be built on (it loses resources): start with an empty one.
        whole = not state.deploying or state.deploying != _life(localstack)
        is_usable = same_database and whole and localstack.takes_its_key()
        if localstack.process() is not None and is_usable and localstack.health() is not None:
            return
        if not whole:
            progress("the last deployment was not completed; starting with an empty LocalStack")
        localstack.stop()
        state.deployed = None
        state.save(self.paths.stack_file)
        progress(f"starting LocalStack on port {localstack.port}")
        localstack.start()
        if lost := database.abort_lost_runs():
            progress(f"marked {lost} interrupted load run(s) as ABORTED")

    def _bootstrap(self, state: State, app: deploy.CdkApp, parts: Parts, progress: Progress) -> None:
        state.deploying = _life(parts.localstack)
        state.save(self.paths.stack_file)
        try:
            app.bootstrap(parts.localstack.url, progress)
        except (BotoCoreError, ClientError) as error:
            raise LocalError(f"LocalStack failed while bootstrapping: {error} (see {parts.localstack.log})") from error
        state.deploying = ""
        state.save(self.paths.stack_file)

    def _deploy(
        self,
        state: State,
        app: deploy.CdkApp,
        inputs: str,
        parts: Parts,
        database: AdminDatabase,
        progress: Progress,
    ) -> Deployed:
        endpoint, key, life = parts.localstack.url, parts.localstack.key, _life(parts.localstack)
        known = state.deployed
        if known is not None and known.inputs == inputs and known.localstack == life:
            outputs = known.outputs.model_copy(update={"local_api_url": parts.api.url})
        else:
            state.deployed, state.deploying = None, life
            state.save(self.paths.stack_file)
            try:
                aws.put_admin_secret(endpoint, *database.credentials, key)
                with another_version_explained(self.paths.state, is_own=not self.options.database_url):
                    app.deploy(endpoint, progress)
                created = stack_outputs(aws.client("cloudformation", endpoint, key), app.stacks())
                keys_value = api_key(aws.client("apigateway", endpoint, key), created)
            except (BotoCoreError, ClientError) as error:
                raise LocalError(f"LocalStack failed while deploying: {error} (see {parts.localstack.log})") from error
            state.api_function = created["ApiFunctionName"]
            state.deploying = ""
            outputs = outputs_of(
                created,
                target="embedded",
                region=aws.REGION,
                endpoint=endpoint,
                database_url=database.url,
                api_key=keys_value,
                local_api_url=parts.api.url,
            )
        state.deployed = Deployed(
            inputs=inputs, localstack=life, database=database.fingerprint, stacks=app.stacks(), outputs=outputs
        )
        state.save(self.paths.stack_file)
        return state.deployed

    def _start_api(self, state: State, parts: Parts, deployed: Deployed, progress: Progress) -> None:
        api_key = (deployed.outputs.api_key or "") if state.private else ""
        inputs = f"{deployed.inputs} {deployed.localstack} {parts.api.port} {state.private}"
        if parts.api.process() is not None and state.api_inputs == inputs and parts.api.health() is not None:
            return
        progress(f"starting the API server on port {parts.api.port}")
        parts.api.stop()
        localstack = parts.localstack
        parts.api.start(role_database_url(localstack.url, state.api_function, localstack.key), api_key)
        state.api_inputs = inputs
        state.save(self.paths.stack_file)

    def _start_event_source(
        self, state: State, parts: Parts, deployed: Deployed, progress: Progress, *, from_start: bool
    ) -> None:
        inputs = f"{deployed.inputs} {deployed.localstack} {parts.broker.port}"
        running = parts.event_source.process() is not None and parts.event_source.status() is not None
        if running and state.event_source_inputs == inputs and not from_start:
            return
        parts.event_source.stop()
        localstack = parts.localstack
        cloudformation = aws.client("cloudformation", localstack.url, localstack.key)
        mapping = stack_outputs(cloudformation, deployed.stacks).get("EventSourceMapping")
        if mapping is None:  # deployed without the clickstream
            return
        progress("starting the event source poller")
        parts.event_source.start(localstack.url, mapping, localstack.key, from_start=from_start)
        state.event_source_inputs = inputs
        state.save(self.paths.stack_file)

    def _start_spark(self, state: State, parts: Parts, deployed: Deployed, progress: Progress) -> None:
        """Where Spark loads the vault, have its worker ask this deployment for jobs."""
        inputs = f"{deployed.inputs} {deployed.localstack}" if state.engine == "spark" else ""
        if state.spark_inputs == inputs and (not inputs or parts.spark.process() is not None):
            return
        parts.spark.stop()
        if inputs:
            progress("starting Spark's worker")
            localstack = parts.localstack
            cloudformation = aws.client("cloudformation", localstack.url, localstack.key)
            activity = stack_outputs(cloudformation, deployed.stacks)["EngineActivityArn"]
            parts.spark.start(localstack.url, activity, localstack.key)
        state.spark_inputs = inputs
        state.save(self.paths.stack_file)


def _own_address(postgres: PostgresServer) -> dict[str, str]:
    """As `AdminDatabase.context`, of a server that need not run yet."""
    return {"database_host": "127.0.0.1", "database_port": str(postgres.requested_port), "database_name": DATABASE}


def _life(localstack: LocalStack) -> str:
    """Names one run of LocalStack's process: all that was deployed is gone when it is another."""
    process = localstack.process()
    return f"{process.pid} {process.started}" if process else ""
