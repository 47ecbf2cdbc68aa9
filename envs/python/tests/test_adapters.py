import unittest
from unittest import mock

from baton_host.adapters import NAMED, open_spec
from baton_host.errors import HostError, user_fault

from .fakes.install import installed


class MissingPackages(unittest.TestCase):
    def test_each_adapter_says_what_it_needs_and_how_to_get_it(self) -> None:
        cases = {
            "smac:3m": ("smac", "pip install git+https://github.com/oxwhirl/smac.git; StarCraft II 4.10"),
            "smac:10gen_zerg": ("smacv2", "pip install git+https://github.com/oxwhirl/smacv2.git; StarCraft II 4.10"),
            "smaclite:3m": ("smaclite", "pip install git+https://github.com/uoe-agents/smaclite.git"),
            "football:5_vs_5": ("gfootball", "pip install gfootball; it is compiled on installation"),
            "gymnasium:CartPole-v1": ("gymnasium", "pip install gymnasium"),
            "gymnasium:Foraging-8x8-2p-2f-v3": ("lbforaging", "pip install lbforaging"),
            "gymnasium:rware-tiny-2ag-v2": ("rware", "pip install rware"),
            "pettingzoo:mpe2.simple_spread_v3": ("mpe2", "pip install mpe2"),
            "pettingzoo:simple_spread_v3": ("pettingzoo", "pip install pettingzoo"),
        }
        self.assertEqual({spec.partition(":")[0] for spec in cases}, set(NAMED))
        roots = ("smac", "smacv2", "smaclite", "gfootball", "gymnasium", "lbforaging", "rware", "mpe2", "pettingzoo")
        # Wherever this runs: as if none of them were there.
        with mock.patch.dict("sys.modules", {root: None for root in roots}):
            for spec, (package, command) in cases.items():
                with self.subTest(spec), self.assertRaisesRegex(HostError, f'"{package}" is not installed') as caught:
                    open_spec(spec, {})
                self.assertEqual(caught.exception.code, "missing-dependency")
                self.assertIn(command, caught.exception.hint)

    def test_a_package_that_the_package_needs_is_named_itself(self) -> None:
        with mock.patch("importlib.import_module", side_effect=ModuleNotFoundError("No module named 'rtree'", name="rtree")):
            from baton_host.packages import require

            with self.assertRaisesRegex(HostError, '"rtree" is not installed, but smaclite needs it') as caught:
                require("smaclite.env", "smaclite")
        self.assertIn("apt-get install python3-rtree", caught.exception.hint)

    def test_an_import_that_fails_shows_its_traceback(self) -> None:
        with mock.patch("importlib.import_module", side_effect=OSError("libSDL2.so not found")):
            from baton_host.packages import require

            with self.assertRaisesRegex(HostError, '"gfootball" cannot be imported: OSError: libSDL2.so not found'):
                require("gfootball", "football")


class Specs(unittest.TestCase):
    def test_everything_else_is_a_class_of_the_users_own(self) -> None:
        from .games import Lights

        with installed({"my_games": {"Lights": Lights}}):
            env = open_spec("my_games:Lights", {})()
        self.assertEqual(env.spec.id, "python:my_games:Lights")

    def test_tracebacks_begin_where_the_users_code_does(self) -> None:
        with installed({"broken": {"Broken": lambda: 1 / 0}}), self.assertRaises(HostError) as caught:
            open_spec("broken:Broken", {})()
        self.assertIn("ZeroDivisionError", caught.exception.trace)
        self.assertNotIn("custom.py", caught.exception.trace)
        try:
            raise ValueError("outside")
        except ValueError as error:
            self.assertIn("test_adapters.py", user_fault("it failed", error).trace)


if __name__ == "__main__":
    unittest.main()
