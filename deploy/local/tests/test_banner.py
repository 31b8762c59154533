import re

from parley_local.banner import banner


def shown(exposed: str | None = None, allowed_hosts: str | None = None) -> str:
    said = banner(
        urls=["http://127.0.0.1:8000", "http://127.0.0.1:9000"],
        seconds=1.25,
        demo_url="http://127.0.0.1:8001/v1",
        data=".data",
        colour=False,
        exposed=exposed,
        allowed_hosts=allowed_hosts,
    )
    return re.sub(r"\s+", " ", said)


def test_it_has_what_the_readme_goes_on_from() -> None:
    assert "API=http://127.0.0.1:8000/api/v1 MODEL=http://127.0.0.1:8001/v1" in shown()
    assert "Also at http://127.0.0.1:9000" in shown()


def test_it_says_which_model_servers_are_allowed() -> None:
    assert "Model servers on loopback addresses are allowed here" in shown()
    assert (
        "Others may reach 0.0.0.0, so model servers on loopback addresses are refused, the demo"
        " model too. CHAT_ALLOWED_HOSTS=127.0.0.0/8 allows them, to everybody"
    ) in shown(exposed="0.0.0.0")
    own = shown(exposed="0.0.0.0", allowed_hosts="127.0.0.1")
    assert "CHAT_ALLOWED_HOSTS=127.0.0.1 Whoever reaches 0.0.0.0 reaches those" in own
    assert "refused" not in own
