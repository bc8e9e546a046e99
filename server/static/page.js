// Starts GraphiQL. What is typed under "Headers" goes with every HTTP request, and as the
// payload of connection_init with every subscription: {"Authorization": "Bearer ..."}.
const endpoint = new URL(document.documentElement.dataset.endpoint, window.location.href);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === "https:" ? "wss:" : "ws:";

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: endpoint.href, subscriptionUrl: socket.href }),
    defaultEditorToolsVisibility: "headers",
    // A token must not outlive the tab in the browser's storage.
    shouldPersistHeaders: false,
  }),
);
