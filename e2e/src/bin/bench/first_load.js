// Asks again for everything that the page has loaded, and for the icon and manifest that no timing entry tells of.
const loaded = performance.getEntriesByType("resource").map(entry => entry.name);
const linked = [...document.querySelectorAll("link[rel=icon], link[rel=manifest]")].map(link => link.href);
const own = [location.href, ...loaded, ...linked].map(address => address.split("#")[0]);
const addresses = new Set(own.filter(address => address.startsWith(location.origin)));
const weigh = async address => {
    const { headers } = await fetch(address, { cache: "no-store" });
    return {
        name: new URL(address).pathname,
        bytes: Number(headers.get("content-length")),
        encoding: headers.get("content-encoding") ?? "",
    };
};
return Promise.all([...addresses].map(weigh));
