import re

from parley_local.banner import banner


def shown(
    exposed: str | None = None,
    allowed_hosts: str | None = None,
    *,
    pages: bool | None = None,
    demo_is_offered: bool = False,
) -> str:
    said = banner(
        urls=["http://127.0.0.1:8000", "http://127.0.0.1:9000"],
        seconds=1.25,
        demo_url="http://127.0.0.1:8001/v1",
        data=".data",
        colour=False,
        pages=pages,
        demo_is_offered=demo_is_offered,
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


def test_it_says_where_browsers_keep_no_log_in() -> None:
    said = "Browsers elsewhere keep a log-in over https alone: its cookie is Secure."
    assert said in shown(exposed="0.0.0.0")
    assert said in shown(exposed="0.0.0.0", allowed_hosts="127.0.0.1")
    assert said not in shown()
    assert said not in shown(allowed_hosts="127.0.0.1")


def test_it_leads_to_the_browser_where_there_are_pages() -> None:
    ready = "Parley is ready at http://127.0.0.1:8000 (started in 1.2 s)"
    assert f"{ready} Open it in a browser, register, and ask." in shown(pages=True)
    assert f"{ready} Its pages could not be built: `make web` says why." in shown(pages=False)
    assert f"{ready} Also at" in shown()


def test_it_says_who_has_the_demo_model() -> None:
    assert "Everybody has it as their connection" in shown(demo_is_offered=True)
    assert "Everybody has it" not in shown()
