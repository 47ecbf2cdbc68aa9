import os
import sys
import tempfile
import unittest

from baton_host.errors import HostError
from baton_host.loading import load_class

_CLASS = "from dataclasses import dataclass\n\n@dataclass\nclass Env:\n    length: int = {}\n"


class Files(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        modules, path = dict(sys.modules), list(sys.path)

        def restore() -> None:
            for name in set(sys.modules) - set(modules):
                del sys.modules[name]
            sys.path[:] = path

        self.addCleanup(restore)

    def write(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_are_loaded_whatever_their_names(self) -> None:
        self.write("helper.py", "LENGTH = 5\n")
        names = ["plain.py", "my.env.py", "my-env.py", "my_env.py", "random.py", "os.path.py"]
        for length, name in enumerate(names):
            made = load_class(self.write(name, "import helper\n" + _CLASS.format(length)) + ":Env")
            self.assertEqual(made().length, length)
        import random

        self.assertTrue(random.random() < 1)

    def test_are_loaded_once(self) -> None:
        path = self.write("once.py", _CLASS.format(1))
        self.assertIs(load_class(f"{path}:Env"), load_class(f"{path}:Env"))

    def test_mistakes_are_sentences(self) -> None:
        broken = self.write("broken.env.py", "import no_such_package\n")
        with self.assertRaisesRegex(HostError, "no_such_package") as caught:
            load_class(f"{broken}:Env")
        self.assertEqual(caught.exception.code, "missing-dependency")
        fails = self.write("fails.py", "1 / 0\n")
        with self.assertRaisesRegex(HostError, 'the Python module "fails" cannot be imported: ZeroDivisionError'):
            load_class(f"{fails}:Env")
        self.assertNotIn("fails", sys.modules)
        with self.assertRaisesRegex(HostError, 'the Python module "my.env" has no class "Envy"') as caught:
            load_class(self.write("my.env.py", _CLASS.format(1)) + ":Envy")
        self.assertIn('did you mean "Env"', str(caught.exception.hint))
        with self.assertRaisesRegex(HostError, "there is no Python file"):
            load_class("nowhere/my.env.py:Env")


if __name__ == "__main__":
    unittest.main()
